"""The plant: sensors that land files of readings, good ones and every kind of bad one."""
