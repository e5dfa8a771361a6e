package dev.quire.chat;

import dev.quire.chat.jinja.Expr;
import dev.quire.chat.jinja.Node;
import dev.quire.chat.jinja.Stmt;
import dev.quire.chat.jinja.Template;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How a template wants the content of a message.
 *
 * <p>Source: {@code _detect_content_format} of vLLM, which looks for a loop over some message's content.
 */
public enum ContentFormat {
    /** One text. */
    STRING,
    /** A list of parts, each a map with a {@code type}. */
    OPENAI;

    static ContentFormat detect(Template template) {
        List<Node> nodes = new ArrayList<>();
        template.root().walk(nodes::add);
        Set<String> messageNames = new LinkedHashSet<>();
        for (Stmt.For loop : loopsOver(nodes, aliases(nodes, "messages"), null)) {
            if (loop.target() instanceof Expr.Name item) {
                messageNames.addAll(aliases(nodes, item.name()));
            }
        }
        return loopsOver(nodes, messageNames, "content").isEmpty() ? STRING : OPENAI;
    }

    /** The name and all those that are somewhere set to it, or to elements of it. */
    private static Set<String> aliases(List<Node> nodes, String name) {
        Set<String> names = new LinkedHashSet<>(Set.of(name));
        Deque<String> open = new ArrayDeque<>(names);
        while (!open.isEmpty()) {
            String related = open.poll();
            for (Node node : nodes) {
                if (node instanceof Stmt.Assign assign
                        && assign.target() instanceof Expr.Name target
                        && isAccess(assign.value(), related, null)
                        && names.add(target.name())) {
                    open.add(target.name());
                }
            }
        }
        return names;
    }

    private static List<Stmt.For> loopsOver(List<Node> nodes, Set<String> names, @Nullable String key) {
        List<Stmt.For> loops = new ArrayList<>();
        for (Node node : nodes) {
            if (node instanceof Stmt.For loop && names.stream().anyMatch(n -> isAccess(loop.iterable(), n, key))) {
                loops.add(loop);
            }
        }
        return loops;
    }

    /** Whether the expression is {@code name} (or its {@code key}), possibly filtered or sliced. */
    private static boolean isAccess(@Nullable Expr expr, String name, @Nullable String key) {
        if (expr instanceof Expr.Filter filter) {
            return isAccess(filter.input(), name, key);
        }
        if (expr instanceof Expr.Test test) {
            return isAccess(test.input(), name, key);
        }
        if (expr instanceof Expr.Item item && item.index() instanceof Expr.Slice) {
            return isAccess(item.target(), name, key);
        }
        if (key == null) {
            return expr instanceof Expr.Name variable && variable.name().equals(name);
        }
        if (expr instanceof Expr.Item item) {
            return item.index() instanceof Expr.Const constant
                    && key.equals(constant.value())
                    && isAccess(item.target(), name, null);
        }
        return expr instanceof Expr.Attribute attribute
                && attribute.name().equals(key)
                && isAccess(attribute.target(), name, null);
    }
}
