package dev.quire.server.openai;

import dev.quire.frontend.HermesToolCalls;
import dev.quire.frontend.OutputProcessor;
import dev.quire.frontend.ToolCall;
import dev.quire.server.JsonOut;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Answers of {@code /v1/chat/completions}. */
final class ChatFormat implements AnswerFormat {
    private static final String OBJECT = "chat.completion";
    private static final String CHUNK_OBJECT = "chat.completion.chunk";
    private static final String TOOL_CALLS = "tool_calls";
    private static final byte[] INDEX = ascii("{\"index\":");
    private static final byte[] CONTENT = ascii(",\"delta\":{\"content\":");
    private static final byte[] RUNNING = ascii("},\"logprobs\":null,\"finish_reason\":null");

    private final AnswerHead head;
    private final UsageWriter usage;
    private final LogprobWriter logprobs;
    private final ChatRequest request;
    private final byte[] prefix;

    ChatFormat(AnswerHead head, UsageWriter usage, LogprobWriter logprobs, ChatRequest request) {
        this.head = head;
        this.usage = usage;
        this.logprobs = logprobs;
        this.request = request;
        this.prefix = head.eventPrefix(CHUNK_OBJECT);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    @Override
    public void open(JsonOut out, List<PromptRun> runs) {
        PromptRun run = runs.get(0);
        for (Choice choice : run.choices()) {
            beginChunk(out, choice);
            out.raw(",\"delta\":{\"role\":")
                    .string(request.role())
                    .raw(",\"content\":\"\"")
                    .raw(RUNNING)
                    .raw("}]");
            if (request.returnTokenIds()) {
                out.raw(",\"prompt_token_ids\":");
                ChoiceEnd.ids(out, run.valid().prompt());
            }
            endChunk(out, run, choice);
        }
        String echoed = request.echoedText();
        if (!echoed.isEmpty()) {
            for (Choice choice : run.choices()) {
                beginChunk(out, choice);
                out.raw(CONTENT).string(echoed).raw(RUNNING).raw("}]");
                endChunk(out, run, choice);
            }
        }
    }

    @Override
    public void delta(JsonOut out, PromptRun run, Choice choice) {
        OutputProcessor output = choice.output();
        boolean finished = output.isFinished();
        String content = output.takeText();
        List<ToolCall> calls = List.of();
        HermesToolCalls parser = choice.toolCalls();
        if (parser != null) {
            parser.append(content);
            if (finished) {
                parser.finish();
            }
            content = parser.takeContent();
            calls = allowed(parser.takeCalls(), choice);
        }
        boolean contentApart = !finished || !calls.isEmpty();
        if (contentApart && !content.isEmpty()) {
            contentChunk(out, run, choice, content, false);
        }
        for (ToolCall call : calls) {
            callChunk(out, run, choice, call);
        }
        if (finished) {
            contentChunk(out, run, choice, contentApart ? "" : content, true);
            choice.ended = true;
        }
    }

    private List<ToolCall> allowed(List<ToolCall> calls, Choice choice) {
        if (request.parallelToolCalls() || calls.isEmpty()) {
            return calls;
        }
        return choice.numToolCalls > 0 ? List.of() : calls.subList(0, 1);
    }

    private void contentChunk(JsonOut out, PromptRun run, Choice choice, String content, boolean last) {
        beginChunk(out, choice);
        if (last && content.isEmpty() && choice.numToolCalls > 0) {
            out.raw(",\"delta\":{");
        } else {
            out.raw(CONTENT).string(content);
        }
        if (!last && !hasLogprobs(run)) {
            out.raw(RUNNING);
        } else {
            out.raw("},\"logprobs\":");
            logprobs(out, run, choice);
            if (last) {
                ChoiceEnd.write(out, choice.output(), finishReason(choice));
            } else {
                out.raw(",\"finish_reason\":null");
            }
        }
        if (request.returnTokenIds()) {
            out.raw(",\"token_ids\":");
            ChoiceEnd.ids(out, choice.takeIds());
        }
        out.raw("}]");
        endChunk(out, run, choice);
    }

    private void callChunk(JsonOut out, PromptRun run, Choice choice, ToolCall call) {
        beginChunk(out, choice);
        out.raw(",\"delta\":{\"tool_calls\":[{\"index\":")
                .number(choice.numToolCalls)
                .raw(",");
        call(out, call);
        out.raw("]").raw(RUNNING).raw("}]");
        endChunk(out, run, choice);
        choice.numToolCalls++;
    }

    private static void call(JsonOut out, ToolCall call) {
        out.raw("\"id\":\"chatcmpl-tool-").raw(Exchange.randomId());
        out.raw("\",\"type\":\"function\",\"function\":{\"name\":").string(call.name());
        out.raw(",\"arguments\":").string(call.arguments()).raw("}}");
    }

    private void beginChunk(JsonOut out, Choice choice) {
        out.raw(prefix).raw(INDEX).number(choice.index());
    }

    private void endChunk(JsonOut out, PromptRun run, Choice choice) {
        if (request.delivery().continuousUsage()) {
            out.raw(",\"usage\":");
            usage.soFar(out, run, choice);
        }
        out.raw("}\n\n");
    }

    private static @Nullable String finishReason(Choice choice) {
        return choice.numToolCalls > 0 ? TOOL_CALLS : ChoiceEnd.word(choice.output());
    }

    private static boolean hasLogprobs(PromptRun run) {
        return run.valid().output().numTopLogprobs() >= 0;
    }

    private void logprobs(JsonOut out, PromptRun run, Choice choice) {
        if (hasLogprobs(run)) {
            logprobs.chat(
                    out, choice.output().takeLogprobs(), run.valid().output().numTopLogprobs());
        } else {
            out.raw("null");
        }
    }

    @Override
    public void usage(JsonOut out, List<PromptRun> runs) {
        out.raw(prefix).raw("],\"usage\":");
        usage.total(out, runs);
        out.raw("}\n\n");
    }

    @Override
    public void body(JsonOut out, List<PromptRun> runs) {
        PromptRun run = runs.get(0);
        head.write(out, OBJECT);
        String comma = "";
        for (Choice choice : run.choices()) {
            out.raw(comma).raw(INDEX).number(choice.index());
            comma = ",";
            message(out, choice);
            out.raw(",\"logprobs\":");
            logprobs(out, run, choice);
            ChoiceEnd.write(out, choice.output(), finishReason(choice));
            out.raw(",\"token_ids\":");
            ChoiceEnd.ids(out, choice.takeIds());
            out.raw("}");
        }
        out.raw("],\"service_tier\":null,\"system_fingerprint\":null,\"usage\":");
        usage.total(out, runs);
        out.raw(",\"prompt_logprobs\":");
        logprobs.prompt(out, run.promptLogprobs());
        out.raw(",\"prompt_token_ids\":");
        ChoiceEnd.ids(out, request.returnTokenIds() ? run.valid().prompt() : null);
        out.raw(",\"kv_transfer_params\":null}");
    }

    private void message(JsonOut out, Choice choice) {
        String content = request.echoedText() + choice.output().takeText();
        List<ToolCall> calls = List.of();
        HermesToolCalls parser = choice.toolCalls();
        if (parser != null) {
            parser.append(content);
            parser.finish();
            content = parser.takeContent();
            calls = allowed(parser.takeCalls(), choice);
        }
        out.raw(",\"message\":{\"role\":").string(request.role()).raw(",\"content\":");
        out.string(content.isEmpty() && !calls.isEmpty() ? null : content);
        out.raw(",\"refusal\":null,\"annotations\":null,\"audio\":null,\"function_call\":null");
        if (!calls.isEmpty()) {
            out.raw(",\"tool_calls\":[");
            for (ToolCall call : calls) {
                out.raw(choice.numToolCalls++ == 0 ? "{" : ",{");
                call(out, call);
            }
            out.raw("]");
        }
        out.raw(",\"reasoning\":null}");
    }
}
