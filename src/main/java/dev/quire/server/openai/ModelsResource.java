package dev.quire.server.openai;

import dev.quire.frontend.InvalidRequest;
import dev.quire.frontend.ServedModel;
import dev.quire.server.JsonOut;
import io.smallrye.common.annotation.NonBlocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;

/** {@code /v1/models}: every name the model is served under. */
@Path("/v1/models")
@Produces(MediaType.APPLICATION_JSON)
@NonBlocking
public class ModelsResource {
    private final ServedModel model;

    ModelsResource(ServedModel model) {
        this.model = model;
    }

    @GET
    public String models() {
        JsonOut out = new JsonOut(512).raw("{\"object\":\"list\",\"data\":[");
        for (int i = 0; i < model.names().size(); i++) {
            item(out.raw(i == 0 ? "" : ","), model.names().get(i));
        }
        return out.raw("]}").toString();
    }

    @GET
    @Path("/{name:.+}")
    public String model(@PathParam("name") String name) {
        if (!model.names().contains(name)) {
            throw InvalidRequest.unknownModel(name);
        }
        return item(new JsonOut(256), name).toString();
    }

    private JsonOut item(JsonOut out, String name) {
        return out.raw("{\"id\":")
                .string(name)
                .raw(",\"object\":\"model\",\"created\":")
                .number(model.createdSeconds())
                .raw(",\"owned_by\":\"quire\",\"root\":")
                .string(model.root())
                .raw(",\"parent\":null,\"max_model_len\":")
                .number(model.maxModelLen())
                .raw(",\"permission\":[]}");
    }
}
