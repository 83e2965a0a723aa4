"""Files of a home, wherever they are: in a folder of this machine, or in an object store."""
