$ErrorActionPreference = 'Stop'
[int]'x'
