package dev.quire.chat.jinja;

import dev.quire.chat.jinja.TemplateException.Kind;
import java.time.ZonedDateTime;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions that every template can call. */
final class Globals {
    private static final Map<String, Function> TABLE = Map.ofEntries(
            entry("range", (r, args) -> Range.of(args)),
            entry("dict", Globals::dict),
            entry("namespace", Namespace::of),
            entry("cycler", (r, args) -> new Cycler(args)),
            entry("joiner", (r, args) -> joiner(args)),
            entry("raise_exception", (r, args) -> {
                throw new TemplateException(
                        Kind.RAISED, Repr.str(args.bind("raise_exception", 1, "message")[0]), r.line());
            }),
            entry("strftime_now", (r, args) -> {
                String format =
                        StringMethods.string("strftime() argument 1", args.bind("strftime_now", 1, "format")[0]);
                return r.built(Strftime.format(ZonedDateTime.now(r.clock()), format));
            }));

    private Globals() {}

    private static Map.Entry<String, Function> entry(String name, Function.Body body) {
        return Map.entry(name, new Function(name, body));
    }

    /** The global, or {@link Missing}. */
    static Object find(String name) {
        Function function = TABLE.get(name);
        return function == null ? Missing.MISSING : function;
    }

    /** Python's {@code dict(mapping_or_pairs, **keywords)}. */
    static Map<Object, Object> dict(Rendering r, Args args) {
        if (args.size() > 1) {
            throw TemplateException.type("dict expected at most 1 argument, got " + args.size());
        }
        Map<Object, Object> dict = new LinkedHashMap<>();
        if (args.size() == 1 && args.get(0) instanceof Map<?, ?> map) {
            r.charge(map.size());
            dict.putAll(map);
        } else if (args.size() == 1) {
            Iterator<Object> pairs = Values.iterate(args.get(0));
            for (int i = 0; pairs.hasNext(); i++) {
                r.step();
                Object pair = pairs.next();
                if (!Values.isIterable(pair)) {
                    throw TemplateException.type(
                            "cannot convert dictionary update sequence element #" + i + " to a sequence");
                }
                List<Object> both = Values.list(r, pair);
                if (both.size() != 2) {
                    throw TemplateException.value("dictionary update sequence element #" + i + " has length "
                            + both.size() + "; 2 is required");
                }
                Values.put(r, dict, both.get(0), both.get(1));
            }
        }
        dict.putAll(args.keywords());
        return dict;
    }

    /** Gives nothing at its first call and the separator at every later one. */
    private static Function joiner(Args args) {
        Object separator = Args.or(args.bind("joiner", 0, "sep")[0], ", ");
        boolean[] used = {false};
        return new Function("joiner", (r, none) -> {
            Object result = used[0] ? separator : "";
            used[0] = true;
            return result;
        });
    }

    /** Goes around through the values it was made with. */
    private static final class Cycler implements TemplateObject {
        private final Args items;
        private int pos;

        Cycler(Args args) {
            if (args.size() == 0) {
                throw new TemplateException(Kind.RUNTIME, "at least one item has to be provided");
            }
            this.items = args;
        }

        @Override
        public Object attribute(String name) {
            return switch (name) {
                case "current" -> items.get(pos);
                case "next" ->
                    new Function(name, (r, args) -> {
                        Object current = items.get(pos);
                        pos = (pos + 1) % items.size();
                        return current;
                    });
                case "reset" ->
                    new Function(name, (r, args) -> {
                        pos = 0;
                        return null;
                    });
                default -> Missing.MISSING;
            };
        }

        @Override
        public String typeName() {
            return "Cycler";
        }

        @Override
        public String qualifiedTypeName() {
            return "jinja2.utils.Cycler object";
        }
    }
}
