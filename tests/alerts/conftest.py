"""What the alerts' tests share."""

from __future__ import annotations

import warnings

# Apprise's mail service still imports a module that Python deprecates; an error there would hide the service.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import apprise.plugins.email.base  # noqa: F401
