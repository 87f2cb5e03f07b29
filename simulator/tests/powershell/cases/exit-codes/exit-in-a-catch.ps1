try { throw 'x' } catch { exit 5 }
