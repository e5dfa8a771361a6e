package dev.quire.chat.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A node of a parsed template: immutable, with the line where it began. */
public sealed interface Node permits Expr, Stmt {
    int line();

    /** Direct children in source order. */
    List<Node> children();

    /** Calls {@code visitor} with every node below this one, nearer ones first. */
    default void walk(Consumer<Node> visitor) {
        List<Node> level = children();
        while (!level.isEmpty()) {
            List<Node> next = new ArrayList<>();
            for (Node node : level) {
                visitor.accept(node);
                next.addAll(node.children());
            }
            level = next;
        }
    }

    /** The non-null nodes and lists of nodes among {@code parts}, flattened. */
    static List<Node> of(Object... parts) {
        List<Node> nodes = new ArrayList<>();
        for (Object part : parts) {
            if (part instanceof Node node) {
                nodes.add(node);
            } else if (part instanceof List<?> list) {
                list.forEach(n -> nodes.add((Node) n));
            }
        }
        return nodes;
    }
}
