"""The demo's acts, told and checked in the terminal."""
