package dev.quire.chat.jinja;

import java.util.Iterator;

/** A sequence computed while it is read, once. */
record Generator(String typeName, Iterator<Object> iterator) implements TemplateObject {

    static Generator of(Iterator<Object> iterator) {
        return new Generator("generator", iterator);
    }
}
