package dev.quire.server.openai;

import dev.quire.server.JsonOut;

/**
 * What every part of one answer repeats.
 *
 * @param id such as {@code chatcmpl-…}
 * @param model the served name
 */
record AnswerHead(String id, long createdSeconds, String model) {
    /** {@code {"id":…,"object":…,"created":…,"model":…,} with {@code choices} still to come. */
    JsonOut write(JsonOut out, String object) {
        return out.raw("{\"id\":")
                .string(id)
                .raw(",\"object\":\"")
                .raw(object)
                .raw("\",\"created\":")
                .number(createdSeconds)
                .raw(",\"model\":")
                .string(model)
                .raw(",\"choices\":[");
    }

    /** The same, as the constant beginning of a stream's every event. */
    byte[] eventPrefix(String object) {
        return write(new JsonOut(160).raw("data: "), object).buffer().getBytes();
    }
}
