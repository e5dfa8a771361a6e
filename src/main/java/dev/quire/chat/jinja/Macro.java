package dev.quire.chat.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A macro or a call block's body, closed over the variables around its definition. */
final class Macro implements Callable {

    /**
     * The compiled part.
     *
     * @param parameters names in order
     * @param slots the parameters' slots, then those of caller, kwargs and varargs as far as they are used
     * @param defaults one per parameter, null where there is none
     */
    record Body(
            @Nullable String name,
            List<String> parameters,
            int[] slots,
            @Nullable Code[] defaults,
            boolean usesCaller,
            boolean usesKwargs,
            boolean usesVarargs,
            Layout layout,
            Step entry,
            Step body) {}

    private final Body body;
    private final Frame closure;

    Macro(Body body, Frame closure) {
        this.body = body;
        this.closure = closure;
    }

    @Override
    public Object call(Rendering rendering, Args args) {
        Frame frame = new Frame(rendering, closure, body.layout().numSlots());
        rendering.enter();
        rendering.step();
        int line = rendering.line();
        List<Object> values = arguments(rendering, args);
        for (int i = 0; i < values.size(); i++) {
            frame.set(body.slots()[i], values.get(i));
        }
        StringBuilder outer = rendering.beginCapture();
        body.entry().run(frame);
        for (int i = 0; i < body.parameters().size(); i++) {
            if (frame.get(body.slots()[i]) == Missing.MISSING) {
                Code fallback = body.defaults()[i];
                frame.set(body.slots()[i], fallback == null ? notProvided(i) : fallback.eval(frame));
            }
        }
        body.body().run(frame);
        rendering.leave();
        rendering.line(line);
        return rendering.endCapture(outer);
    }

    private Undefined notProvided(int parameter) {
        return Undefined.hint("parameter " + Repr.repr(body.parameters().get(parameter)) + " was not provided");
    }

    private List<Object> arguments(Rendering rendering, Args args) {
        int count = body.parameters().size();
        List<Object> values = new ArrayList<>(body.slots().length);
        Map<String, Object> keywords = new LinkedHashMap<>(args.keywords());
        for (int i = 0; i < count; i++) {
            String name = body.parameters().get(i);
            if (i < args.size()) {
                values.add(args.get(i));
            } else {
                values.add(keywords.containsKey(name) ? keywords.remove(name) : Missing.MISSING);
            }
        }
        if (body.usesCaller() && !body.parameters().contains("caller")) {
            Object caller = keywords.remove("caller");
            values.add(caller == null ? Undefined.hint("No caller defined") : caller);
        }
        if (body.usesKwargs()) {
            values.add(keywords);
        } else if (!keywords.isEmpty()) {
            if (keywords.containsKey("caller")) {
                throw TemplateException.type("macro " + Repr.repr(body.name())
                        + " was invoked with two values for the special caller argument."
                        + " This is most likely a bug.");
            }
            throw TemplateException.type("macro " + Repr.repr(body.name()) + " takes no keyword argument "
                    + Repr.repr(keywords.keySet().iterator().next()));
        }
        if (body.usesVarargs()) {
            values.add(new Tuple(args.from(count)));
        } else if (args.size() > count) {
            throw TemplateException.type(
                    "macro " + Repr.repr(body.name()) + " takes not more than " + count + " argument(s)");
        }
        return values;
    }

    @Override
    public Object attribute(String name) {
        return switch (name) {
            case "name" -> body.name();
            case "arguments" -> Tuple.of(body.parameters().toArray());
            case "caller" -> body.usesCaller();
            case "catch_kwargs" -> body.usesKwargs();
            case "catch_varargs" -> body.usesVarargs();
            default -> Missing.MISSING;
        };
    }

    @Override
    public String typeName() {
        return "Macro";
    }

    @Override
    public String qualifiedTypeName() {
        return "jinja2.runtime.Macro object";
    }

    @Override
    public String repr() {
        return "<Macro " + (body.name() == null ? "anonymous" : Repr.repr(body.name())) + ">";
    }
}
