package dev.quire.chat.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** The one mutable template value: attributes that {@code set} may assign from an inner scope. */
final class Namespace implements TemplateObject {
    private final Map<Object, Object> attributes = new LinkedHashMap<>();

    static Namespace of(Rendering rendering, Args args) {
        Namespace namespace = new Namespace();
        namespace.attributes.putAll(Globals.dict(rendering, args));
        return namespace;
    }

    void set(String name, Object value) {
        attributes.put(name, value);
    }

    @Override
    public Object attribute(String name) {
        Object value = attributes.get(name);
        return value != null || attributes.containsKey(name) ? value : Missing.MISSING;
    }

    @Override
    public String typeName() {
        return "Namespace";
    }

    @Override
    public String qualifiedTypeName() {
        return "jinja2.utils.Namespace object";
    }

    @Override
    public String repr() {
        return "<Namespace " + Repr.repr(attributes) + ">";
    }
}
