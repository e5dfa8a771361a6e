package dev.quire.frontend;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HermesToolCallsTest {
    private final StringBuilder content = new StringBuilder();
    private final List<ToolCall> calls = new ArrayList<>();

    /** Feeds the text in pieces of this size: the result may not depend on it. */
    private void parse(String text, int pieceLength) {
        HermesToolCalls parser = new HermesToolCalls();
        for (int i = 0; i < text.length(); i += pieceLength) {
            parser.append(text.substring(i, Math.min(text.length(), i + pieceLength)));
            content.append(parser.takeContent());
            calls.addAll(parser.takeCalls());
        }
        parser.finish();
        content.append(parser.takeContent());
        calls.addAll(parser.takeCalls());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 7, 1000})
    void takesSeveralCallsOutOfTheText(int pieceLength) {
        parse(
                "Let me see.<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>\n"
                        + "<tool_call>{\"name\":\"time\",\"arguments\":\"{}\"}</tool_call>\n",
                pieceLength);
        assertThat(content).hasToString("Let me see.");
        assertThat(calls).containsExactly(new ToolCall("weather", "{\"city\":\"Oslo\"}"), new ToolCall("time", "{}"));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 1000})
    void givesBackWhatIsNoCall(int pieceLength) {
        String text =
                "1 < 2 <tool <tool_call>{broken</tool_call> <tool_call>{\"arguments\":{}}</tool_call> end <tool_c";
        parse(text, pieceLength);
        assertThat(content).hasToString(text);
        assertThat(calls).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4, 1000})
    void acceptsACompleteCallThatWasNotClosed(int pieceLength) {
        parse("<tool_call>{\"name\":\"f\",\"arguments\":{\"x\":1.50}}", pieceLength);
        assertThat(content).isEmpty();
        assertThat(calls).containsExactly(new ToolCall("f", "{\"x\":1.5}"));
        calls.clear();
        parse("<tool_call>{\"name\":\"f\",\"argum", pieceLength);
        assertThat(content).hasToString("<tool_call>{\"name\":\"f\",\"argum");
        assertThat(calls).isEmpty();
    }
}
