package dev.quire.server.openai;

import dev.quire.engine.EngineClient;
import dev.quire.frontend.Wakeup;
import dev.quire.request.SamplingParams;
import dev.quire.server.ApiError;
import dev.quire.server.JsonOut;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Function;
import org.jboss.logging.Logger;

/**
 * One answer under way: submits its prompts, writes what the engine emits, gives up when the client does.
 *
 * <p>The engine thread only signals; everything else happens on the connection's event loop. Each drain empties all
 * inboxes and writes one buffer. A client that reads slowly stops the draining, not the engine; when an inbox then
 * reaches its bound, the answer is given up. After the last byte the inboxes are still drained, for the metrics.
 */
final class GenerationAnswer {
    private static final Logger LOG = Logger.getLogger(GenerationAnswer.class);
    private static final int INITIAL_BUFFER = 512;
    private static final byte[] DONE = "data: [DONE]\n\n".getBytes(StandardCharsets.US_ASCII);

    private final EngineClient engine;
    private final HttpServerResponse response;
    private final StreamOptions delivery;
    private final AnswerFormat format;
    private final boolean waitsForEngine;
    private final Wakeup wakeup;
    private final List<PromptRun> runs;
    private int numSubmitted;
    private boolean begun;
    private boolean paused;
    private boolean closed;

    /**
     * @param runs creates the prompts' runs, which signal the given wake-up
     * @param waitsForEngine complete only when the engine has reported every sequence's end, for its counts
     */
    GenerationAnswer(
            EngineClient engine,
            Exchange exchange,
            StreamOptions delivery,
            AnswerFormat format,
            boolean waitsForEngine,
            Function<Wakeup, List<PromptRun>> runs) {
        this.engine = engine;
        this.response = exchange.response();
        this.delivery = delivery;
        this.format = format;
        this.waitsForEngine = waitsForEngine;
        this.wakeup = new Wakeup(() -> exchange.context().runOnContext(v -> drain()));
        this.runs = runs.apply(wakeup);
    }

    /** Hands the prompts to the engine, all or none. */
    void start() {
        if (response.closed()) {
            return;
        }
        response.closeHandler(v -> giveUp());
        response.exceptionHandler(e -> giveUp());
        for (PromptRun run : runs) {
            EngineClient.Admission admission = engine.submit(run.request());
            if (admission != EngineClient.Admission.ACCEPTED) {
                giveUp();
                refusal(admission).send(response);
                return;
            }
            numSubmitted++;
        }
    }

    private ApiError refusal(EngineClient.Admission admission) {
        if (admission == EngineClient.Admission.QUEUE_FULL) {
            return ApiError.queueFull(engine.retryAfterSeconds());
        }
        String failure = engine.failure();
        return ApiError.unavailable(
                failure.isEmpty() ? "The engine takes no requests: it is " + stateWord() + "." : failure,
                engine.retryAfterSeconds());
    }

    private String stateWord() {
        return switch (engine.state()) {
            case STARTING -> "starting";
            case READY -> "busy";
            case DRAINING, STOPPED -> "shutting down";
            case DEAD -> "dead";
        };
    }

    /** Frees the engine's work; nothing more is written. Has no effect on runs that have ended. */
    private void giveUp() {
        if (!closed) {
            closed = true;
            runs.subList(0, numSubmitted).forEach(run -> engine.abort(run.request()));
        }
    }

    private void drain() {
        wakeup.rearm();
        try {
            readAndWrite();
        } catch (RuntimeException e) {
            LOG.error("an answer could not be written", e);
            fail("Internal server error");
        }
    }

    private void readAndWrite() {
        if (!closed && overflowed()) {
            giveUp();
            response.reset();
        }
        if (!closed && paused) {
            return;
        }
        String failure = null;
        for (PromptRun run : runs) {
            run.drain();
            failure = failure == null ? run.failure() : failure;
        }
        if (closed) {
            return;
        }
        if (failure != null) {
            fail(failure);
        } else if (delivery.stream()) {
            stream();
        } else if (isComplete()) {
            closed = true;
            JsonOut out = new JsonOut(INITIAL_BUFFER);
            format.body(out, runs);
            response.putHeader(HttpHeaders.CONTENT_TYPE, "application/json").end(out.buffer());
        }
    }

    private boolean overflowed() {
        for (PromptRun run : runs) {
            if (run.overflowed()) {
                return true;
            }
        }
        return false;
    }

    private boolean isComplete() {
        for (PromptRun run : runs) {
            if (waitsForEngine ? !run.hasEnded() : !run.isComplete()) {
                return false;
            }
        }
        return true;
    }

    private void stream() {
        JsonOut out = new JsonOut(INITIAL_BUFFER);
        if (!begun) {
            begin(out);
        }
        for (PromptRun run : runs) {
            for (Choice choice : run.choices()) {
                if (!choice.ended) {
                    format.delta(out, run, choice);
                }
            }
        }
        if (isComplete()) {
            closed = true;
            if (delivery.includeUsage()) {
                format.usage(out, runs);
            }
            response.end(out.raw(DONE).buffer());
        } else if (!out.isEmpty()) {
            response.write(out.buffer());
            pauseIfFull();
        }
    }

    private void begin(JsonOut out) {
        begun = true;
        response.setChunked(true)
                .putHeader(HttpHeaders.CONTENT_TYPE, "text/event-stream; charset=utf-8")
                .putHeader(HttpHeaders.CACHE_CONTROL, "no-cache");
        format.open(out, runs);
    }

    private void pauseIfFull() {
        if (response.writeQueueFull()) {
            paused = true;
            response.drainHandler(v -> {
                paused = false;
                drain();
            });
        }
    }

    private void fail(String cause) {
        giveUp();
        ApiError error = ApiError.internal(cause);
        if (response.ended() || response.closed()) {
            return;
        }
        if (begun) {
            JsonOut out = error.write(new JsonOut(INITIAL_BUFFER).raw("data: ")).raw("\n\n");
            response.end(out.raw(DONE).buffer());
        } else {
            error.send(response);
        }
    }

    /** For the request log. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(delivery.stream() ? "stream" : "answer");
        for (PromptRun run : runs) {
            SamplingParams params = run.valid().params();
            text.append(", ").append(run.numPromptTokens()).append(" prompt tokens");
            text.append(" max_tokens=").append(params.maxTokens());
            text.append(" n=").append(params.n());
            text.append(" temperature=").append(params.temperature());
        }
        return text.toString();
    }
}
