package dev.quire.server.openai;

import dev.quire.engine.EngineClient;
import dev.quire.frontend.HermesToolCalls;
import dev.quire.frontend.InputProcessor;
import dev.quire.frontend.InvalidRequest;
import dev.quire.frontend.OutputProcessor;
import dev.quire.frontend.Prompt;
import dev.quire.frontend.SamplingOptions;
import dev.quire.frontend.ServedModel;
import dev.quire.frontend.TokenText;
import dev.quire.frontend.ToolCallFormat;
import dev.quire.frontend.ValidRequest;
import dev.quire.frontend.Wakeup;
import dev.quire.server.config.QuireConfig;
import dev.quire.server.ops.ServingMetrics;
import jakarta.inject.Singleton;
import java.util.ArrayList;
import java.util.List;
import org.jboss.logging.Logger;

/** Request bodies to answers under way: parses, prepares (on a worker when long), submits. */
@Singleton
class GenerationService {
    private static final Logger LOG = Logger.getLogger(GenerationService.class);

    private final EngineClient engine;
    private final ServedModel model;
    private final InputProcessor input;
    private final ServingMetrics metrics;
    private final boolean forceUsage;
    private final boolean promptTokensDetails;
    private final boolean logRequests;

    GenerationService(EngineClient engine, ServedModel model, ServingMetrics metrics, QuireConfig config) {
        this.engine = engine;
        this.model = model;
        this.input = new InputProcessor(model);
        this.metrics = metrics;
        this.forceUsage = config.enableForceIncludeUsage();
        this.promptTokensDetails = config.enablePromptTokensDetails();
        this.logRequests = config.enableLogRequests();
    }

    InputProcessor input() {
        return input;
    }

    void complete(Exchange exchange, byte[] body) {
        exchange.handle(body, () -> prepareCompletion(exchange, body), answer -> start(exchange, answer));
    }

    void chat(Exchange exchange, byte[] body) {
        exchange.handle(body, () -> prepareChat(exchange, body), answer -> start(exchange, answer));
    }

    private void start(Exchange exchange, GenerationAnswer answer) {
        if (logRequests) {
            LOG.infof("%s: %s", exchange.id(), answer);
        }
        answer.start();
    }

    private GenerationAnswer prepareCompletion(Exchange exchange, byte[] body) {
        CompletionRequest request = CompletionRequest.parse(body);
        input.checkModel(request.model());
        int maxPrompts = model.limits().maxNumPrompts();
        if (request.prompts().size() > maxPrompts) {
            throw InvalidRequest.badValue(
                    "prompt",
                    "prompt must hold at most " + maxPrompts + " prompts, got "
                            + request.prompts().size() + ".");
        }
        overridePriority(exchange, request.sampling());
        List<ValidRequest> prompts = new ArrayList<>();
        List<String> echoes = new ArrayList<>();
        for (Prompt prompt : request.prompts()) {
            ValidRequest valid =
                    input.completion(prompt, request.addSpecialTokens(), request.promptOnly(), request.sampling());
            prompts.add(valid);
            if (request.echo()) {
                echoes.add(input.echo(prompt, valid));
            }
        }
        StreamOptions delivery = withForcedUsage(request.delivery());
        AnswerFormat format = new CompletionFormat(
                head(exchange),
                new UsageWriter(promptTokensDetails),
                new LogprobWriter(tokenText(prompts.get(0))),
                delivery.continuousUsage(),
                echoes,
                request.returnTokenIds());
        return answer(exchange, delivery, format, prompts, false, request.returnTokenIds());
    }

    private GenerationAnswer prepareChat(Exchange exchange, byte[] body) {
        ChatRequest request = ChatRequest.parse(body);
        input.checkModel(request.model());
        overridePriority(exchange, request.sampling());
        ValidRequest valid = input.chat(request.input(), request.sampling());
        StreamOptions delivery = withForcedUsage(request.delivery());
        AnswerFormat format = new ChatFormat(
                head(exchange),
                new UsageWriter(promptTokensDetails),
                new LogprobWriter(tokenText(valid)),
                request.withDelivery(delivery));
        boolean parsesTools = request.input().mayCallTools() && model.toolCallFormat() == ToolCallFormat.HERMES;
        return answer(exchange, delivery, format, List.of(valid), parsesTools, request.returnTokenIds());
    }

    private static void overridePriority(Exchange exchange, SamplingOptions options) {
        Integer priority = exchange.priority();
        if (priority != null) {
            options.priority(priority);
        }
    }

    private StreamOptions withForcedUsage(StreamOptions delivery) {
        return forceUsage ? new StreamOptions(delivery.stream(), true, true) : delivery;
    }

    private AnswerHead head(Exchange exchange) {
        return new AnswerHead(exchange.id(), System.currentTimeMillis() / 1000, model.name());
    }

    private TokenText tokenText(ValidRequest valid) {
        return new TokenText(model, valid.output().tokensAsIds());
    }

    private GenerationAnswer answer(
            Exchange exchange,
            StreamOptions delivery,
            AnswerFormat format,
            List<ValidRequest> prompts,
            boolean parsesTools,
            boolean keepsIds) {
        return new GenerationAnswer(engine, exchange, delivery, format, promptTokensDetails, wakeup -> {
            List<PromptRun> runs = new ArrayList<>(prompts.size());
            for (int i = 0; i < prompts.size(); i++) {
                String id = prompts.size() == 1 ? exchange.id() : exchange.id() + "-" + i;
                runs.add(run(exchange, prompts.get(i), i, id, parsesTools, keepsIds, wakeup));
            }
            return runs;
        });
    }

    private PromptRun run(
            Exchange exchange,
            ValidRequest prompt,
            int position,
            String id,
            boolean parsesTools,
            boolean keepsIds,
            Wakeup wakeup) {
        int n = prompt.params().n();
        int[] promptIds = prompt.prompt().toArray();
        List<Choice> choices = new ArrayList<>(n);
        for (int i = 0; i < n; i++) {
            choices.add(new Choice(
                    position * n + i,
                    new OutputProcessor(model, prompt, promptIds),
                    parsesTools ? new HermesToolCalls() : null,
                    keepsIds));
        }
        return new PromptRun(engine, metrics, prompt, choices, id, exchange.arrivalNanos(), wakeup);
    }
}
