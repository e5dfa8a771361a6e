package dev.quire.chat.jinja;

import dev.quire.chat.jinja.TemplateException.Kind;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A compiled template: immutable, renders on any number of threads at once.
 *
 * <p>The environment is that of transformers' chat templates: an immutable sandbox with trim_blocks and lstrip_blocks,
 * loop controls, the generation tag, {@code raise_exception} and {@code strftime_now}. Inheritance, includes and
 * autoescape are refused when compiling.
 */
public final class Template {
    /** Nesting of the given values beyond which no JSON parser goes either. */
    private static final int MAX_VALUE_DEPTH = 500;

    private final Stmt.Root root;
    private final StatementCompiler.Program program;

    private Template(Stmt.Root root, StatementCompiler.Program program) {
        this.root = root;
        this.program = program;
    }

    /**
     * Compiles {@code source}.
     *
     * @throws TemplateException with the line, when the source is no valid template
     */
    public static Template compile(String source) {
        try {
            Stmt.Root root = StatementParser.parse(source);
            return new Template(root, StatementCompiler.compile(root));
        } catch (StackOverflowError e) {
            throw TemplateException.syntax("template is nested too deeply", 0);
        }
    }

    /** The parsed template, for those who ask what it reads. */
    public Stmt.Root root() {
        return root;
    }

    /**
     * Renders with {@code variables}: plain values, that is strings, numbers, booleans, null, lists and maps of them.
     *
     * @param clock what {@code strftime_now} tells
     * @throws TemplateException when the template fails, raises, or exceeds {@code limits}
     */
    public String render(Map<String, ?> variables, Limits limits, Clock clock) {
        Map<String, Object> values = new LinkedHashMap<>();
        variables.forEach((name, value) -> values.put(name, plain(value, 0)));
        Rendering rendering = new Rendering(values, limits, clock);
        try {
            program.body().run(new Frame(rendering, null, program.layout().numSlots()));
            return rendering.output();
        } catch (TemplateException e) {
            throw e.atLine(rendering.line());
        } catch (StackOverflowError e) {
            throw new TemplateException(Kind.RECURSION, "maximum recursion depth exceeded", rendering.line());
        }
    }

    /** A copy in the types the evaluator knows, which nobody else can change while it runs. */
    private static Object plain(Object value, int depth) {
        if (value == null || value instanceof String || value instanceof Boolean) {
            return value;
        }
        if (value instanceof Number number) {
            return number(number);
        }
        if (depth > MAX_VALUE_DEPTH) {
            throw TemplateException.value("value is nested more than " + MAX_VALUE_DEPTH + " levels deep");
        }
        if (value instanceof List<?> list) {
            List<Object> copy = new ArrayList<>(list.size());
            list.forEach(item -> copy.add(plain(item, depth + 1)));
            return copy;
        }
        if (value instanceof Map<?, ?> map) {
            Map<Object, Object> copy = new LinkedHashMap<>(map.size() * 2);
            map.forEach((key, item) -> copy.put(plain(key, depth + 1), plain(item, depth + 1)));
            return copy;
        }
        throw new IllegalArgumentException(
                "a template cannot use a value of " + value.getClass().getName());
    }

    private static Object number(Number number) {
        if (number instanceof Double || number instanceof Long) {
            return number;
        }
        if (number instanceof Float || number instanceof BigDecimal) {
            return number.doubleValue();
        }
        return number instanceof BigInteger big ? Numbers.integer(big) : (Object) number.longValue();
    }
}
