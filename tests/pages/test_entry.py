from tests.pages.conftest import *

def test_try(aino, store):
    import time
    t=time.time()
    at = aino.open("entry")
    print("first", time.time()-t)
    print(aino.shown())
    t=time.time()
    aino.press("Save")
    print("second", time.time()-t)
    print(aino.shown())
    aino.fill(name="Kaisa")
    t=time.time()
    aino.press("Save")
    print("third", time.time()-t)
    print(aino.shown())
    for p in ("prospects","statistics","retention","admin"):
        t=time.time()
        aino.open(p)
        print(p, time.time()-t)
        print(aino.shown())
