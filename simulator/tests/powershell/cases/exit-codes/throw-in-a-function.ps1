function f { throw 'x' }
f
