throw 'x'
