# $input is the lines of standard input, and is read once.
@($input).Count
@($input).Count
