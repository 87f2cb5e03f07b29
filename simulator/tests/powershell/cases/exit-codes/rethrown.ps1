try { throw 'x' } catch { throw }
