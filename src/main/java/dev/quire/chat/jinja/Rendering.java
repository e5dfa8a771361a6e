package dev.quire.chat.jinja;

import dev.quire.chat.jinja.TemplateException.Kind;
import java.time.Clock;
import java.util.Map;

/** The state of one rendering: variables, output, current line, and the guards. Confined to its thread. */
final class Rendering {
    private final Map<String, Object> variables;
    private final Limits limits;
    private final Clock clock;
    private StringBuilder out = new StringBuilder(1024);
    private long steps;
    private int depth;
    private int line = 1;

    Rendering(Map<String, Object> variables, Limits limits, Clock clock) {
        this.variables = variables;
        this.limits = limits;
        this.clock = clock;
    }

    Clock clock() {
        return clock;
    }

    int line() {
        return line;
    }

    void line(int current) {
        line = current;
    }

    /** A variable given to the rendering or else a global, or {@link Missing}. */
    Object resolve(String name) {
        Object value = variables.get(name);
        if (value != null || variables.containsKey(name)) {
            return value;
        }
        return Globals.find(name);
    }

    void emit(String text) {
        checkSize((long) out.length() + text.length());
        charge(text.length() >> 4);
        out.append(text);
    }

    String output() {
        return out.toString();
    }

    /** Sends what follows to a buffer of its own; the result is for {@link #endCapture}. */
    StringBuilder beginCapture() {
        StringBuilder before = out;
        out = new StringBuilder();
        return before;
    }

    String endCapture(StringBuilder before) {
        String captured = out.toString();
        out = before;
        return captured;
    }

    void step() {
        charge(1);
    }

    void charge(long work) {
        steps += work;
        if (steps > limits.maxSteps()) {
            throw new TemplateException(Kind.LIMIT, "template did more than " + limits.maxSteps() + " steps");
        }
    }

    /** Refuses to build a text of {@code size} characters, before it is built. */
    void checkSize(long size) {
        if (size > limits.maxChars()) {
            throw new TemplateException(
                    Kind.LIMIT, "template builds a text of more than " + limits.maxChars() + " characters");
        }
    }

    /** Refuses to build a list of {@code count} elements, before it is built. */
    void checkCount(long count) {
        if (count > limits.maxChars() >> 4) {
            throw new TemplateException(
                    Kind.LIMIT, "template builds a list of more than " + (limits.maxChars() >> 4) + " elements");
        }
    }

    /** Accounts for looking at all of {@code value}. */
    void read(Object value) {
        charge(1 + (value instanceof String text ? text.length() >> 4 : 0));
    }

    /** Accounts for a text just built, and passes it on. */
    String built(String text) {
        checkSize(text.length());
        charge(1 + (text.length() >> 4));
        return text;
    }

    void enter() {
        if (++depth > limits.maxDepth()) {
            throw new TemplateException(Kind.RECURSION, "maximum recursion depth exceeded");
        }
    }

    void leave() {
        depth--;
    }
}
