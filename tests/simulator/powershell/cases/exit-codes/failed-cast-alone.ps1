[int]'x'
