package dev.quire.server.openai;

import dev.quire.server.JsonOut;
import java.util.List;

/** The bytes of one API's answers; one object an answer. */
interface AnswerFormat {
    /** Chunks that open a stream, once the engine's first output is there. */
    void open(JsonOut out, List<PromptRun> runs);

    /** Chunks of what is new in one choice; none when nothing is. The last one when the choice has finished. */
    void delta(JsonOut out, PromptRun run, Choice choice);

    /** The chunk that carries usage alone. */
    void usage(JsonOut out, List<PromptRun> runs);

    /** The whole answer that is no stream. */
    void body(JsonOut out, List<PromptRun> runs);
}
