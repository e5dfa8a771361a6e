package dev.quire.chat.jinja;

import java.util.ArrayList;
import java.util.List;

/** A str marked as safe HTML: what is joined to it is escaped. */
record Markup(String text) implements TemplateObject {

    /** {@code value} as text with the five special characters of HTML escaped, unless it is markup already. */
    static Markup escape(Object value) {
        return value instanceof Markup markup ? markup : new Markup(escapeText(Repr.str(value)));
    }

    static String escapeText(String text) {
        StringBuilder out = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> out.append("&amp;");
                case '<' -> out.append("&lt;");
                case '>' -> out.append("&gt;");
                case '\'' -> out.append("&#39;");
                case '"' -> out.append("&#34;");
                default -> out.append(c);
            }
        }
        return out.toString();
    }

    /** The method of str, with its text arguments escaped where they are joined, and its text results marked. */
    Object method(String name) {
        Function method = StringMethods.find(name, text);
        if (method == null) {
            return Missing.MISSING;
        }
        return new Function(name, (r, args) -> marked(method.call(r, escapedArguments(r, name, args))));
    }

    private static Args escapedArguments(Rendering r, String method, Args args) {
        return switch (method) {
            case "join" ->
                Args.of(
                        args.size() == 0
                                ? List.of()
                                : Values.list(r, args.get(0)).stream()
                                        .map(item -> (Object) escape(item).text())
                                        .toList());
            case "replace" ->
                args.size() < 2
                        ? args
                        : args.size() == 2
                                ? Args.of(args.get(0), escape(args.get(1)).text())
                                : Args.of(args.get(0), escape(args.get(1)).text(), args.get(2));
            case "format" -> {
                List<Object> escaped = new ArrayList<>();
                args.from(0)
                        .forEach(item ->
                                escaped.add(Values.isString(item) ? escape(item).text() : item));
                Args result = Args.of(escaped.toArray());
                for (var keyword : args.keywords().entrySet()) {
                    Object value = keyword.getValue();
                    result = result.withKeyword(
                            keyword.getKey(),
                            Values.isString(value) ? escape(value).text() : value);
                }
                yield result;
            }
            default -> args;
        };
    }

    private static Object marked(Object value) {
        if (value instanceof String text) {
            return new Markup(text);
        }
        if (value instanceof Tuple tuple) {
            return new Tuple(tuple.items().stream().map(Markup::marked).toList());
        }
        if (value instanceof List<?> list) {
            return list.stream().map(Markup::marked).toList();
        }
        return value;
    }

    @Override
    public String typeName() {
        return "Markup";
    }

    @Override
    public String qualifiedTypeName() {
        return "markupsafe.Markup object";
    }

    @Override
    public boolean truth() {
        return !text.isEmpty();
    }

    @Override
    public String repr() {
        return "Markup(" + Repr.repr(text) + ")";
    }
}
