package dev.quire.chat.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The variable {@code loop}: the position of a running for loop, and the loop itself when it is recursive. */
final class LoopContext implements Callable {
    /** Renders a recursive loop's body over another sequence. */
    interface Recursion {
        String render(Object iterable, int depth0);
    }

    private final Rendering rendering;
    private final Object iterable;
    private final @Nullable Recursion recursion;
    private final int depth0;
    private Iterator<Object> iterator;
    private long length = -1;
    private long index0 = -1;
    private Object before = Missing.MISSING;
    private Object current = Missing.MISSING;
    private Object after = Missing.MISSING;
    private Object lastChanged = Missing.MISSING;

    LoopContext(Rendering rendering, Object iterable, @Nullable Recursion recursion, int depth0) {
        this.rendering = rendering;
        this.iterable = iterable;
        this.iterator = Values.iterate(iterable);
        this.recursion = recursion;
        this.depth0 = depth0;
    }

    /** The next item, or {@link Missing} at the end. */
    Object advance() {
        Object item = peek();
        if (item != Missing.MISSING) {
            after = Missing.MISSING;
            index0++;
            before = current;
            current = item;
        }
        return item;
    }

    private Object peek() {
        if (after == Missing.MISSING && iterator.hasNext()) {
            after = iterator.next();
        }
        return after;
    }

    private long length() {
        if (length < 0) {
            if (Values.isSized(iterable)) {
                length = Values.length(iterable);
            } else {
                List<Object> rest = new ArrayList<>();
                iterator.forEachRemaining(item -> {
                    rendering.step();
                    rest.add(item);
                });
                iterator = rest.iterator();
                length = rest.size() + index0 + 1 + (after == Missing.MISSING ? 0 : 1);
            }
        }
        return length;
    }

    @Override
    public Object attribute(String name) {
        return switch (name) {
            case "index" -> index0 + 1;
            case "index0" -> index0;
            case "first" -> index0 == 0;
            case "last" -> peek() == Missing.MISSING;
            case "length" -> length();
            case "revindex" -> length() - index0;
            case "revindex0" -> length() - index0 - 1;
            case "depth" -> (long) depth0 + 1;
            case "depth0" -> (long) depth0;
            case "previtem" -> index0 == 0 ? Undefined.hint("there is no previous item") : before;
            case "nextitem" -> peek() == Missing.MISSING ? Undefined.hint("there is no next item") : after;
            case "cycle" -> new Function("cycle", (r, args) -> cycle(args));
            case "changed" -> new Function("changed", (r, args) -> changed(r, args));
            default -> Missing.MISSING;
        };
    }

    private Object cycle(Args args) {
        if (args.size() == 0) {
            throw TemplateException.type("no items for cycling given");
        }
        return args.get((int) (index0 % args.size()));
    }

    private boolean changed(Rendering r, Args args) {
        Tuple value = new Tuple(args.from(0));
        boolean changed = lastChanged == Missing.MISSING || !Comparison.equal(r, lastChanged, value);
        lastChanged = value;
        return changed;
    }

    @Override
    public Object call(Rendering r, Args args) {
        if (recursion == null) {
            throw TemplateException.type("The loop must have the 'recursive' marker to be called recursively.");
        }
        return recursion.render(args.bind("__call__", 1, "iterable")[0], depth0 + 1);
    }

    @Override
    public String typeName() {
        return "LoopContext";
    }

    @Override
    public String qualifiedTypeName() {
        return "jinja2.runtime.LoopContext object";
    }

    @Override
    public boolean truth() {
        return length() > 0;
    }

    @Override
    public String repr() {
        return "<LoopContext " + (index0 + 1) + "/" + length() + ">";
    }
}
