package dev.quire.server.openai;

import dev.quire.frontend.OutputProcessor;
import dev.quire.request.TokenIds;
import dev.quire.server.JsonOut;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Answers of {@code /v1/completions}. */
final class CompletionFormat implements AnswerFormat {
    private static final String OBJECT = "text_completion";
    private static final byte[] INDEX = ascii("{\"index\":");
    private static final byte[] TEXT = ascii(",\"text\":");
    private static final byte[] RUNNING = ascii(",\"logprobs\":null,\"finish_reason\":null,\"stop_reason\":null");

    private final AnswerHead head;
    private final UsageWriter usage;
    private final LogprobWriter logprobs;
    private final boolean continuousUsage;
    private final List<String> echoes;
    private final boolean returnTokenIds;
    private final byte[] prefix;

    /** @param echoes the text before each prompt's answer, by prompt; empty without echo */
    CompletionFormat(
            AnswerHead head,
            UsageWriter usage,
            LogprobWriter logprobs,
            boolean continuousUsage,
            List<String> echoes,
            boolean returnTokenIds) {
        this.head = head;
        this.usage = usage;
        this.logprobs = logprobs;
        this.continuousUsage = continuousUsage;
        this.echoes = echoes;
        this.returnTokenIds = returnTokenIds;
        this.prefix = head.eventPrefix(OBJECT);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public void open(JsonOut out, List<PromptRun> runs) {}

    @Override
    public void delta(JsonOut out, PromptRun run, Choice choice) {
        boolean finished = choice.output().isFinished();
        if (!finished && !choice.output().hasText()) {
            return;
        }
        out.raw(prefix);
        choice(out, run, choice);
        if (returnTokenIds) {
            out.raw(",\"token_ids\":");
            ChoiceEnd.ids(out, choice.takeIds());
        }
        out.raw("}]");
        if (continuousUsage) {
            out.raw(",\"usage\":");
            usage.soFar(out, run, choice);
        }
        out.raw("}\n\n");
        choice.ended = finished;
    }

    /** Index, text, logprobs and end; the closing brace is the caller's. */
    private void choice(JsonOut out, PromptRun run, Choice choice) {
        OutputProcessor output = choice.output();
        String echo = echo(run, choice);
        boolean first = !choice.begun;
        choice.begun = true;
        out.raw(INDEX).number(choice.index()).raw(TEXT);
        out.string(first && !echo.isEmpty() ? echo + output.takeText() : output.takeText());
        boolean hasLogprobs = run.valid().output().numTopLogprobs() >= 0;
        if (!hasLogprobs && !output.isFinished()) {
            out.raw(RUNNING);
            return;
        }
        out.raw(",\"logprobs\":");
        if (hasLogprobs) {
            TokenIds prompt = first && !echoes.isEmpty() ? run.valid().prompt() : null;
            choice.textOffset =
                    logprobs.completion(out, prompt, run.promptLogprobs(), output.takeLogprobs(), choice.textOffset);
        } else {
            out.raw("null");
        }
        ChoiceEnd.write(out, output, ChoiceEnd.word(output));
    }

    private String echo(PromptRun run, Choice choice) {
        return echoes.isEmpty() ? "" : echoes.get(choice.index() / run.choices().size());
    }

    @Override
    public void usage(JsonOut out, List<PromptRun> runs) {
        out.raw(prefix).raw("],\"usage\":");
        usage.total(out, runs);
        out.raw("}\n\n");
    }

    @Override
    public void body(JsonOut out, List<PromptRun> runs) {
        head.write(out, OBJECT);
        String comma = "";
        for (PromptRun run : runs) {
            for (Choice choice : run.choices()) {
                out.raw(comma);
                comma = ",";
                choice(out, run, choice);
                out.raw(",\"token_ids\":");
                ChoiceEnd.ids(out, choice.takeIds());
                out.raw(",\"prompt_logprobs\":");
                logprobs.prompt(out, run.promptLogprobs());
                out.raw(",\"prompt_token_ids\":");
                ChoiceEnd.ids(out, returnTokenIds ? run.valid().prompt() : null);
                out.raw("}");
            }
        }
        out.raw("],\"service_tier\":null,\"system_fingerprint\":null,\"usage\":");
        usage.total(out, runs);
        out.raw(",\"kv_transfer_params\":null}");
    }
}
