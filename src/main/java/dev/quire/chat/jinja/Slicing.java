package dev.quire.chat.jinja;

import java.util.ArrayList;
import java.util.List;

/** Python's {@code value[start:stop:step]}. */
final class Slicing {
    private Slicing() {}

    /** {@code count} positions: {@code start}, {@code start + step}, … */
    record Positions(long start, long stop, long step, int count) {}

    static Object slice(Rendering rendering, Object value, Object start, Object stop, Object step) {
        if (value instanceof Undefined undefined) {
            throw undefined.fail();
        }
        List<?> sequence = Values.sequence(value);
        if (sequence == null && !Values.isString(value)) {
            throw TemplateException.type(
                    value instanceof java.util.Map
                            ? "unhashable type: 'slice'"
                            : Repr.repr(Values.typeName(value)) + " object is not subscriptable");
        }
        rendering.read(value);
        Positions range = resolve(start, stop, step, Values.length(value));
        if (sequence == null) {
            String part = rendering.built(Text.slice(Values.text(value), range));
            return value instanceof Markup ? new Markup(part) : part;
        }
        if (value instanceof Range numbers) {
            return numbers.slice(range);
        }
        rendering.charge(range.count());
        List<Object> part = new ArrayList<>(range.count());
        for (int i = 0; i < range.count(); i++) {
            part.add(sequence.get((int) (range.start() + i * range.step())));
        }
        return value instanceof Tuple ? new Tuple(part) : part;
    }

    private static Positions resolve(Object start, Object stop, Object step, long length) {
        long by = step == null ? 1 : bound(step);
        if (by == 0) {
            throw TemplateException.value("slice step cannot be zero");
        }
        long low = by > 0 ? 0 : -1;
        long high = by > 0 ? length : length - 1;
        long from = start == null ? (by > 0 ? low : high) : clamp(bound(start), length, low, high);
        long to = stop == null ? (by > 0 ? high : low) : clamp(bound(stop), length, low, high);
        long span = by > 0 ? to - from : from - to;
        // The step may be as large as a long, so the rounding up must not overflow.
        long count = span <= 0 ? 0 : (span - 1) / Math.abs(by) + 1;
        return new Positions(from, to, by, (int) count);
    }

    private static long clamp(long index, long length, long low, long high) {
        long absolute = index < 0 ? index + length : index;
        return Math.max(low, Math.min(high, absolute));
    }

    private static long bound(Object value) {
        if (value instanceof Undefined || !Values.isInteger(value)) {
            throw TemplateException.type("slice indices must be integers or None or have an __index__ method");
        }
        long bound = Numbers.saturated(value);
        return Math.max(-Long.MAX_VALUE / 2, Math.min(Long.MAX_VALUE / 2, bound));
    }
}
