package dev.quire.chat.jinja;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The variable slots of one function of the template; grows while the function is compiled, then is only read. */
final class Layout {
    private final int depth;
    private final Map<Symbols.Ref, Integer> slots = new HashMap<>();
    private int numSlots;

    Layout(@Nullable Layout parent) {
        this.depth = parent == null ? 0 : parent.depth + 1;
    }

    /** How many functions surround this one. */
    int depth() {
        return depth;
    }

    int numSlots() {
        return numSlots;
    }

    /** A slot for a value that has no name. */
    int newSlot() {
        return numSlots++;
    }

    int slot(Symbols.Ref ref) {
        Integer known = slots.get(ref);
        if (known == null) {
            known = newSlot();
            slots.put(ref, known);
        }
        return known;
    }
}
