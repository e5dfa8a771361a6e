package dev.quire.chat.jinja;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The variables of one running function (the template, a macro, a call block), by slot; lives for one call. */
final class Frame {
    final Rendering rendering;
    final @Nullable Frame parent;
    private final Object[] slots;

    Frame(Rendering rendering, @Nullable Frame parent, int numSlots) {
        this.rendering = rendering;
        this.parent = parent;
        this.slots = new Object[numSlots];
        Arrays.fill(slots, Missing.MISSING);
    }

    Object get(int slot) {
        return slots[slot];
    }

    void set(int slot, Object value) {
        slots[slot] = value;
    }

    /** The activation {@code hops} functions further out. */
    Frame outer(int hops) {
        Frame frame = this;
        for (int i = 0; i < hops; i++) {
            frame = frame.parent;
        }
        return frame;
    }
}
