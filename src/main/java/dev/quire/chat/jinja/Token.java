package dev.quire.chat.jinja;

import org.jspecify.annotations.Nullable;

/** One lexical unit; {@code value} is the text of a name or of data, or the parsed literal. */
record Token(int line, Type type, @Nullable Object value) {
    enum Type {
        DATA("template data / text"),
        VARIABLE_BEGIN("begin of print statement"),
        VARIABLE_END("end of print statement"),
        BLOCK_BEGIN("begin of statement block"),
        BLOCK_END("end of statement block"),
        NAME("name"),
        STRING("string"),
        INTEGER("integer"),
        FLOAT("float"),
        EOF("end of template"),
        ADD("+"),
        SUB("-"),
        DIV("/"),
        FLOORDIV("//"),
        MUL("*"),
        MOD("%"),
        POW("**"),
        TILDE("~"),
        LBRACKET("["),
        RBRACKET("]"),
        LPAREN("("),
        RPAREN(")"),
        LBRACE("{"),
        RBRACE("}"),
        EQ("=="),
        NE("!="),
        GT(">"),
        GTEQ(">="),
        LT("<"),
        LTEQ("<="),
        ASSIGN("="),
        DOT("."),
        COLON(":"),
        PIPE("|"),
        COMMA(","),
        SEMICOLON(";");

        private final String description;

        Type(String description) {
            this.description = description;
        }

        String description() {
            return description;
        }
    }

    boolean isName(String name) {
        return type == Type.NAME && name.equals(value);
    }

    String text() {
        return String.valueOf(value);
    }

    String describe() {
        return type == Type.NAME ? text() : type.description();
    }
}
