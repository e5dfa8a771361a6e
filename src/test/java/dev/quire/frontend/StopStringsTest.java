package dev.quire.frontend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class StopStringsTest {

    @Test
    void cutsBeforeAStopStringAcrossTokens() {
        StopStrings stops = new StopStrings(List.of("END", "###"), false, 0);
        assertThat(stops.append("Hello E", 1)).isFalse();
        assertThat(stops.takeText()).isEqualTo("Hello ");
        assertThat(stops.append("N", 2)).isFalse();
        assertThat(stops.takeText()).isEmpty();
        assertThat(stops.append("D and more", 3)).isTrue();
        assertThat(stops.takeText()).isEmpty();
        assertThat(stops.stop()).isEqualTo("END");
        assertThat(stops.append("more", 4)).isTrue();
        stops.finish();
        assertThat(stops.takeText()).isEmpty();
    }

    @Test
    void whatTurnsOutHarmlessIsReleased() {
        StopStrings stops = new StopStrings(List.of("aab"), false, 0);
        stops.append("xaa", 1);
        assertThat(stops.takeText()).isEqualTo("x");
        stops.append("a", 2);
        assertThat(stops.takeText()).isEqualTo("a");
        stops.finish();
        assertThat(stops.takeText()).isEqualTo("aa");
        assertThat(stops.stop()).isNull();
    }

    @Test
    void theStopStringMayStay() {
        StopStrings stops = new StopStrings(List.of("END"), true, 0);
        stops.append("Hello E", 1);
        assertThat(stops.takeText()).isEqualTo("Hello E");
        assertThat(stops.append("ND and more", 2)).isTrue();
        assertThat(stops.takeText()).isEqualTo("ND");
    }

    @Test
    void ofTwoThatEndTogetherTheLongerOneCounts() {
        StopStrings stops = new StopStrings(List.of("b", "ab"), false, 0);
        assertThat(stops.append("xab", 1)).isTrue();
        assertThat(stops.stop()).isEqualTo("ab");
        assertThat(stops.takeText()).isEqualTo("x");
    }

    /** The example of the field: 5 tokens may contain "e", the sixth may not. */
    @Test
    void minTokensAreNotLookedAt() {
        StopStrings stops = new StopStrings(List.of("e"), false, 5);
        StringBuilder text = new StringBuilder();
        int numTokens = 0;
        for (String token : List.of(" is", " Lee", ",", " and", " I", "'m", " a", " student", " in", " the")) {
            boolean stopped = stops.append(token, ++numTokens);
            text.append(stops.takeText());
            if (stopped) {
                break;
            }
        }
        assertThat(text.toString()).isEqualTo(" is Lee, and I'm a stud");
    }

    @Test
    void anOccurrenceMayBeginWithinMinTokens() {
        StopStrings stops = new StopStrings(List.of("aba"), false, 1);
        assertThat(stops.append("xaba", 1)).isFalse();
        assertThat(stops.takeText()).isEqualTo("xab");
        assertThat(stops.append("ba", 2)).isTrue();
        assertThat(stops.takeText()).isEmpty();
    }

    @Test
    void withoutStopStringsTextIsPassedOnAsItIs() {
        StopStrings stops = new StopStrings(List.of(), false, 0);
        String text = new String("some text");
        assertThat(stops.append(text, 1)).isFalse();
        assertThat(stops.takeText()).isSameAs(text);
        stops.append("a", 2);
        stops.append("b", 3);
        assertThat(stops.takeText()).isEqualTo("ab");
    }

    @Test
    void halfACharacterIsNoStopString() {
        StopStrings stops = new StopStrings(List.of("\uDE42", "\uD83D"), false, 0);
        assertThat(stops.append("🙂", 1)).isFalse();
        assertThat(stops.takeText()).isEqualTo("🙂");
        assertThatThrownBy(() -> new StopStrings(List.of(""), false, 0)).isInstanceOf(IllegalArgumentException.class);
    }

    /** Random texts over few letters, so borders and overlaps abound, against the definition written out. */
    @RepeatedTest(20)
    void randomTextsAgainstTheDefinition(RepetitionInfo repetition) {
        Random random = new Random(repetition.getCurrentRepetition());
        for (int round = 0; round < 500; round++) {
            List<String> stopStrings = new ArrayList<>();
            for (int i = random.nextInt(5); i > 0; i--) {
                stopStrings.add(randomText(random, 1 + random.nextInt(5)));
            }
            List<String> tokens = new ArrayList<>();
            for (int i = random.nextInt(12); i > 0; i--) {
                tokens.add(randomText(random, random.nextInt(4)));
            }
            check(stopStrings, tokens, random.nextBoolean(), random.nextInt(3) * random.nextInt(4));
        }
    }

    private static String randomText(Random random, int numCodePoints) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < numCodePoints; i++) {
            text.append(List.of("a", "b", "b", "a", "🙂", "🙃").get(random.nextInt(6)));
        }
        return text.toString();
    }

    private static void check(List<String> stopStrings, List<String> tokens, boolean include, int minTokens) {
        StopStrings stops = new StopStrings(stopStrings, include, minTokens);
        StringBuilder read = new StringBuilder();
        StringBuilder out = new StringBuilder();
        for (int n = 1; n <= tokens.size(); n++) {
            int from = read.length();
            read.append(tokens.get(n - 1));
            String expectedStop = null;
            int end = from;
            while (n > minTokens && expectedStop == null && end < read.length()) {
                expectedStop = longestAtEnd(read.substring(0, ++end), stopStrings);
            }
            boolean stopped = stops.append(tokens.get(n - 1), n);
            out.append(stops.takeText());
            assertThat(stops.stop()).isEqualTo(expectedStop);
            assertThat(stopped).isEqualTo(expectedStop != null);
            if (expectedStop != null) {
                assertThat(out.toString()).isEqualTo(read.substring(0, include ? end : end - expectedStop.length()));
                return;
            }
            int numHeld = include ? 0 : longestStart(read.toString(), stopStrings);
            assertThat(out.toString()).isEqualTo(read.substring(0, read.length() - numHeld));
        }
        stops.finish();
        assertThat(out.append(stops.takeText()).toString()).isEqualTo(read.toString());
    }

    private static String longestAtEnd(String text, List<String> stopStrings) {
        String longest = null;
        for (String stop : stopStrings) {
            if (text.endsWith(stop) && (longest == null || stop.length() > longest.length())) {
                longest = stop;
            }
        }
        return longest;
    }

    /** The longest end of the text that is a proper start of a stop string. */
    private static int longestStart(String text, List<String> stopStrings) {
        int longest = 0;
        for (String stop : stopStrings) {
            for (int length = 1; length < stop.length(); length++) {
                longest = text.endsWith(stop.substring(0, length)) ? Math.max(longest, length) : longest;
            }
        }
        return longest;
    }
}
