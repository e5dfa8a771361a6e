package dev.quire.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.request.TokenIds;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Makes requests of random token ids: no two prompts share a prefix, so nothing comes from a cache. */
public final class Workload {
    private final SplittableRandom random;
    private final int firstId;
    private final int vocabSize;

    /**
     * Ids are drawn from [firstId, vocabSize).
     *
     * @param seed same seed, same prompts
     */
    public Workload(int firstId, int vocabSize, long seed) {
        if (firstId >= vocabSize) {
            throw new IllegalArgumentException("no token ids in [" + firstId + ", " + vocabSize + ")");
        }
        this.firstId = firstId;
        this.vocabSize = vocabSize;
        this.random = new SplittableRandom(seed);
    }

    /** {@code numPrompts} equal jobs. */
    public List<Job> uniform(int numPrompts, int inputLen, int outputLen) {
        List<Job> jobs = new ArrayList<>(numPrompts);
        for (int i = 0; i < numPrompts; i++) {
            jobs.add(job(inputLen, outputLen));
        }
        return jobs;
    }

    /**
     * Jobs with the lengths of a JSON-lines file, in its order: {@code {"prompt_len": 385, "output_len": 128}}.
     *
     * @param limit lines to read at most
     * @throws IOException when it cannot be read or a line says something else; the message names the line
     */
    public List<Job> trace(Path file, int limit) throws IOException {
        ObjectMapper json = new ObjectMapper();
        List<Job> jobs = new ArrayList<>();
        List<String> lines = Files.readAllLines(file);
        for (int i = 0; i < lines.size() && jobs.size() < limit; i++) {
            if (lines.get(i).isBlank()) {
                continue;
            }
            try {
                JsonNode line = json.readTree(lines.get(i));
                int promptLen = line.path("prompt_len").asInt(0);
                int outputLen = line.path("output_len").asInt(0);
                if (promptLen < 1 || outputLen < 1) {
                    throw new IOException(file + ":" + (i + 1) + ": prompt_len and output_len must be at least 1");
                }
                jobs.add(job(promptLen, outputLen));
            } catch (JsonProcessingException e) {
                throw new IOException(file + ":" + (i + 1) + ": not JSON", e);
            }
        }
        if (jobs.isEmpty()) {
            throw new IOException(file + " holds no requests");
        }
        return jobs;
    }

    private Job job(int inputLen, int outputLen) {
        int[] ids = new int[inputLen];
        for (int i = 0; i < inputLen; i++) {
            ids[i] = random.nextInt(firstId, vocabSize);
        }
        return new Job(TokenIds.of(ids), outputLen);
    }
}
