"""What each command of the program does; ``cli`` only names them and their flags."""
