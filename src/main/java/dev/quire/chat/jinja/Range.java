package dev.quire.chat.jinja;

import dev.quire.chat.jinja.TemplateException.Kind;
import java.util.AbstractList;

/** Python's range of at most 100,000 numbers, which is what the sandbox allows. */
final class Range extends AbstractList<Object> implements TemplateObject {
    private static final int MAX_RANGE = 100_000;

    private final long start;
    private final long stop;
    private final long step;
    private final int size;

    private Range(long start, long stop, long step, int size) {
        this.start = start;
        this.stop = stop;
        this.step = step;
        this.size = size;
    }

    static Range of(Args args) {
        if (!args.keywords().isEmpty()) {
            throw TemplateException.type("range() takes no keyword arguments");
        }
        if (args.size() == 0 || args.size() > 3) {
            throw TemplateException.type(
                    args.size() == 0
                            ? "range expected at least 1 argument, got 0"
                            : "range expected at most 3 arguments, got " + args.size());
        }
        long first = Numbers.index(args.get(0));
        long start = args.size() == 1 ? 0 : first;
        long stop = args.size() == 1 ? first : Numbers.index(args.get(1));
        long step = args.size() == 3 ? Numbers.index(args.get(2)) : 1;
        if (step == 0) {
            throw TemplateException.value("range() arg 3 must not be zero");
        }
        double span = step > 0 ? (double) stop - start : (double) start - stop;
        double count = Math.max(0, Math.ceil(span / Math.abs((double) step)));
        if (count > MAX_RANGE) {
            throw new TemplateException(
                    Kind.OVERFLOW,
                    "Range too big. The sandbox blocks ranges larger than MAX_RANGE (" + MAX_RANGE + ").");
        }
        return new Range(start, stop, step, (int) count);
    }

    Range slice(Slicing.Positions at) {
        return new Range(start + at.start() * step, start + at.stop() * step, step * at.step(), at.count());
    }

    @Override
    public Object get(int index) {
        return start + index * step;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public String typeName() {
        return "range";
    }

    @Override
    public boolean truth() {
        return size > 0;
    }

    @Override
    public String repr() {
        return "range(" + start + ", " + stop + (step == 1 ? "" : ", " + step) + ")";
    }
}
