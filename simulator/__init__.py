"""The simulated clouds: what the program is developed and tested against."""
