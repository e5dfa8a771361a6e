package dev.quire.request;

import java.util.Arrays;

/** An immutable run of token ids; never boxed. */
public final class TokenIds {
    private static final TokenIds EMPTY = new TokenIds(new int[0]);

    private final int[] ids;

    private TokenIds(int[] ids) {
        this.ids = ids;
    }

    /** Copies {@code ids}. */
    public static TokenIds of(int... ids) {
        return ids.length == 0 ? EMPTY : new TokenIds(ids.clone());
    }

    /** Copies {@code ids[from, to)}. */
    public static TokenIds of(int[] ids, int from, int to) {
        return from == to ? EMPTY : new TokenIds(Arrays.copyOfRange(ids, from, to));
    }

    public static TokenIds empty() {
        return EMPTY;
    }

    public int length() {
        return ids.length;
    }

    public boolean isEmpty() {
        return ids.length == 0;
    }

    public int get(int index) {
        return ids[index];
    }

    /** Linear search: these runs are short lists of stop ids or are not searched at all. */
    public boolean contains(int id) {
        for (int candidate : ids) {
            if (candidate == id) {
                return true;
            }
        }
        return false;
    }

    /** Copies all ids into {@code target} from {@code targetOffset}. */
    public void copyTo(int[] target, int targetOffset) {
        System.arraycopy(ids, 0, target, targetOffset, ids.length);
    }

    /** The ids themselves, not copied: for readers on the step path, which must not write to it. */
    public int[] sharedArray() {
        return ids;
    }

    /** A fresh array of the ids. */
    public int[] toArray() {
        return ids.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TokenIds that && Arrays.equals(ids, that.ids);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(ids);
    }

    @Override
    public String toString() {
        return Arrays.toString(ids);
    }
}
