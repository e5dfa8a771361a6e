package dev.quire.chat.jinja;

import java.util.Iterator;
import java.util.NoSuchElementException;

/** An iterator that computes one item ahead, when it is asked whether there is one. */
abstract class LazyIterator implements Iterator<Object> {
    private Object next = Missing.MISSING;
    private boolean done;

    /** The next item, or {@link Missing} at the end. */
    abstract Object compute();

    @Override
    public final boolean hasNext() {
        if (next == Missing.MISSING && !done) {
            next = compute();
            done = next == Missing.MISSING;
        }
        return !done;
    }

    @Override
    public final Object next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Object item = next;
        next = Missing.MISSING;
        return item;
    }
}
