package dev.quire.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.quire.chat.jinja.Limits;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ChatTemplateTest {
    private static final String CHATML = """
            {%- if tools %}
            {{- '<|im_start|>system\\n' }}
            {%- if messages[0].role == 'system' %}{{ messages[0].content + '\\n\\n' }}{% endif %}
            {{- '<tools>' }}
            {%- for tool in tools %}{{ '\\n' + (tool | tojson) }}{% endfor %}
            {{- '\\n</tools><|im_end|>\\n' }}
            {%- endif %}
            {%- for message in messages %}
            {%- if not (loop.first and tools and message.role == 'system') %}
            {{- '<|im_start|>' + message['role'] + '\\n' + message['content'] }}
            {%- for call in message.tool_calls or [] %}
            {{- '\\n<tool_call>\\n' }}
            {{- {'name': call.function.name, 'arguments': call.function.arguments} | tojson }}
            {{- '\\n</tool_call>' }}
            {%- endfor %}
            {{- '<|im_end|>' + '\\n' }}
            {%- endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}
            {{- '<|im_start|>assistant\\n' }}
            {%- endif %}
            """;

    private static final ChatTemplate.Options OPTIONS = ChatTemplate.Options.of("<s>", "</s>");

    private static Map<String, Object> message(String role, Object content) {
        Map<String, Object> message = new LinkedHashMap<>();
        message.put("role", role);
        message.put("content", content);
        return message;
    }

    private static String render(String source, ChatTemplate.Input input) {
        return ChatTemplate.compile(source, OPTIONS).render(input);
    }

    private static ChatTemplate.Input continued(List<?> messages) {
        return new ChatTemplate.Input(messages, null, false, true, null, Map.of());
    }

    @Test
    void chatMl() {
        List<Object> messages = List.of(message("system", "Be kind."), message("user", "Hi 😀"));
        assertThat(render(CHATML, ChatTemplate.Input.of(messages)))
                .isEqualTo("<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi 😀<|im_end|>\n"
                        + "<|im_start|>assistant\n");
        assertThat(render(CHATML, new ChatTemplate.Input(messages, null, false, false, null, Map.of())))
                .endsWith("Hi 😀<|im_end|>\n");
    }

    @Test
    void chatMlWithToolsAndCalls() {
        Map<String, Object> function = new LinkedHashMap<>();
        function.put("name", "weather");
        function.put("description", "Über <Wetter> & \"mehr\"");
        Map<String, Object> tool = new LinkedHashMap<>();
        tool.put("type", "function");
        tool.put("function", function);
        Map<String, Object> called = new LinkedHashMap<>();
        called.put("name", "weather");
        called.put("arguments", "{\"city\":\"Paris\",\"days\":2}");
        Map<String, Object> answer = message("assistant", null);
        answer.put("tool_calls", List.of(Map.of("type", "function", "function", called)));
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("city", "Paris");
        arguments.put("days", 2);
        List<Map<String, Object>> messages = ChatMessages.forTemplate(
                List.of(message("user", "Weather?"), answer, message("tool", "18")), ContentFormat.STRING, json -> {
                    assertThat(json).isEqualTo(called.get("arguments"));
                    return arguments;
                });
        assertThat(render(CHATML, new ChatTemplate.Input(messages, List.of(tool), true, false, null, Map.of())))
                .isEqualTo("<|im_start|>system\n<tools>\n{\"type\": \"function\", \"function\": {\"name\": \"weather\","
                        + " \"description\": \"Über <Wetter> & \\\"mehr\\\"\"}}\n</tools><|im_end|>\n"
                        + "<|im_start|>user\nWeather?<|im_end|>\n"
                        + "<|im_start|>assistant\n\n<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\":"
                        + " \"Paris\", \"days\": 2}}\n</tool_call><|im_end|>\n"
                        + "<|im_start|>tool\n18<|im_end|>\n<|im_start|>assistant\n");
        assertThat(answer.get("content")).isNull();
        assertThat(called.get("arguments")).isInstanceOf(String.class);
    }

    @Test
    void specialTokensDocumentsAndExtraVariables() {
        ChatTemplate.Input input = new ChatTemplate.Input(
                List.of(),
                null,
                true,
                false,
                List.of(Map.of("title", "T")),
                Map.of("enable_thinking", false, "eos_token", "END"));
        String source = "{{ bos_token }}{{ eos_token }}{{ unk_token is defined }}{{ tools is none }}"
                + "{{ documents[0].title }}{{ enable_thinking }}";
        assertThat(render(source, input)).isEqualTo("<s>ENDFalseTrueTFalse");
    }

    @Test
    void theClockIsGiven() {
        Clock clock = Clock.fixed(Instant.parse("2026-01-15T12:00:00Z"), ZoneOffset.UTC);
        ChatTemplate template = ChatTemplate.compile("{{ strftime_now('%d %b %Y') }}", OPTIONS.withClock(clock));
        assertThat(template.render(ChatTemplate.Input.of(List.of()))).isEqualTo("15 Jan 2026");
    }

    @Test
    void limitsAreGiven() {
        ChatTemplate template = ChatTemplate.compile("{{ 'x' * 1000 }}", OPTIONS.withLimits(new Limits(1000, 100, 10)));
        assertThatThrownBy(() -> template.render(ChatTemplate.Input.of(List.of())))
                .isInstanceOfSatisfying(ChatTemplateException.class, e -> {
                    assertThat(e.type()).isEqualTo("LimitExceeded");
                    assertThat(e.isRaisedByTemplate()).isFalse();
                });
    }

    @Test
    void refusalsOfTheTemplateAreVerbatimWithTheirLine() {
        assertThatThrownBy(
                        () -> render("a\n{{ raise_exception('No system role!') }}", ChatTemplate.Input.of(List.of())))
                .isInstanceOfSatisfying(ChatTemplateException.class, e -> {
                    assertThat(e).hasMessage("No system role!");
                    assertThat(e.line()).isEqualTo(2);
                    assertThat(e.isRaisedByTemplate()).isTrue();
                });
        assertThatThrownBy(() -> ChatTemplate.compile("\n\n{% if %}", OPTIONS))
                .isInstanceOfSatisfying(ChatTemplateException.class, e -> {
                    assertThat(e.type()).isEqualTo("TemplateSyntaxError");
                    assertThat(e.line()).isEqualTo(3);
                });
    }

    @Test
    void toolsAndDocumentsMustBeObjects() {
        List<Object> none = List.of();
        assertThatThrownBy(() -> render("", new ChatTemplate.Input(none, List.of("x"), true, false, null, Map.of())))
                .isInstanceOf(ChatTemplateException.class);
        assertThatThrownBy(() -> render("", new ChatTemplate.Input(none, null, true, false, List.of(1), Map.of())))
                .isInstanceOf(ChatTemplateException.class);
    }

    @Test
    void theFinalMessageIsContinued() {
        List<Object> messages = List.of(message("user", "Count."), message("assistant", "One, two, "));
        assertThat(render(CHATML, continued(messages)))
                .isEqualTo("<|im_start|>user\nCount.<|im_end|>\n<|im_start|>assistant\nOne, two, ");
        String trimming = CHATML.replace("message['content']", "message['content']|trim");
        assertThat(render(trimming, continued(messages))).endsWith("<|im_start|>assistant\nOne, two,");
        List<Object> parts = List.of(message(
                "assistant", List.of(Map.of("type", "text", "text", "A"), Map.of("type", "text", "text", "B"))));
        String iterating = "{% for m in messages %}{% for c in m.content %}[{{ c.text }}]{% endfor %}{% endfor %}";
        assertThat(render(iterating, continued(parts))).isEqualTo("[A][B");
    }

    @Test
    void aFinalMessageThatCannotBeContinuedIsRefused() {
        List<Object> messages = List.of(message("assistant", "One"));
        assertThatThrownBy(() -> render(CHATML, continued(List.of()))).isInstanceOf(ChatTemplateException.class);
        assertThatThrownBy(() -> render(CHATML, continued(List.of(message("assistant", null)))))
                .hasMessageContaining("no \"content\" to continue");
        assertThatThrownBy(() -> render("nothing", continued(messages))).hasMessageContaining("not an accepted field");
        assertThatThrownBy(() -> render("{# content #}x", continued(messages)))
                .hasMessageContaining("does not appear in the chat");
        ChatTemplate.Input both = new ChatTemplate.Input(messages, null, true, true, null, Map.of());
        assertThatThrownBy(() -> render(CHATML, both)).hasMessageContaining("not compatible");
    }

    @Test
    void theContentFormatIsDetected() {
        assertThat(ChatTemplate.compile(CHATML, OPTIONS).contentFormat()).isEqualTo(ContentFormat.STRING);
        for (String loop : List.of(
                "{% for message in messages %}{% for c in message['content'] %}{% endfor %}{% endfor %}",
                "{% for m in messages[1:] %}{% for c in m.content %}{% endfor %}{% endfor %}",
                "{% set rest = messages | reverse %}{% for m in rest %}{% set x = m %}{% for c in x.content | list %}"
                        + "{% endfor %}{% endfor %}",
                "{% for m in messages %}{% if m.content is not string %}{% for c in m.content if c.text %}{% endfor %}"
                        + "{% endif %}{% endfor %}")) {
            assertThat(ChatTemplate.compile(loop, OPTIONS).contentFormat())
                    .as(loop)
                    .isEqualTo(ContentFormat.OPENAI);
        }
        for (String other : List.of(
                "{% for m in messages %}{% for c in m.tool_calls %}{% endfor %}{{ m.content }}{% endfor %}",
                "{% for m in documents %}{% for c in m.content %}{% endfor %}{% endfor %}",
                "{% for c in messages[0].content %}{% endfor %}")) {
            assertThat(ChatTemplate.compile(other, OPTIONS).contentFormat())
                    .as(other)
                    .isEqualTo(ContentFormat.STRING);
        }
    }

    @Test
    void contentsAreBroughtIntoTheFormat() {
        Map<String, Object> a = Map.of("type", "text", "text", "A");
        Map<String, Object> b = Map.of("type", "text", "text", "B");
        List<Object> messages =
                List.of(message("user", Arrays.asList(a, b, "C")), message("user", "plain"), message("user", null));
        assertThat(ChatMessages.forTemplate(messages, ContentFormat.STRING, json -> json))
                .extracting(m -> m.get("content"))
                .containsExactly("A\nB\nC", "plain", "");
        assertThat(ChatMessages.forTemplate(messages, ContentFormat.OPENAI, json -> json))
                .extracting(m -> m.get("content"))
                .containsExactly(
                        List.of(a, b, Map.of("type", "text", "text", "C")),
                        List.of(Map.of("type", "text", "text", "plain")),
                        List.of());
        for (Object wrong : List.of(5, List.of(5), List.of(Map.of("type", "image_url", "image_url", "x")))) {
            assertThatThrownBy(() -> ChatMessages.forTemplate(
                            List.of(message("user", wrong)), ContentFormat.STRING, json -> json))
                    .isInstanceOf(ChatTemplateException.class);
        }
        assertThatThrownBy(() -> ChatMessages.forTemplate(List.of("x"), ContentFormat.STRING, json -> json))
                .isInstanceOf(ChatTemplateException.class);
    }

    @Test
    void namedTemplatesAreChosen() {
        ChatTemplates one = ChatTemplates.of("only", OPTIONS);
        assertThat(one.select(null, true).source()).isEqualTo("only");
        ChatTemplates named = ChatTemplates.of(
                List.of(
                        Map.of("name", "default", "template", "D"),
                        Map.of("name", "tool_use", "template", "T"),
                        Map.of("name", "rag", "template", "R")),
                OPTIONS);
        assertThat(named.select(null, false).source()).isEqualTo("D");
        assertThat(named.select(null, true).source()).isEqualTo("T");
        assertThat(named.select("rag", true).source()).isEqualTo("R");
        assertThatThrownBy(() -> named.select("zzz", false)).hasMessageContaining("[default, rag, tool_use]");
        assertThatThrownBy(() -> ChatTemplates.of(List.of(Map.of("name", "x")), OPTIONS))
                .isInstanceOf(ChatTemplateException.class);
        assertThatThrownBy(() -> ChatTemplates.of(5, OPTIONS)).isInstanceOf(ChatTemplateException.class);
    }
}
