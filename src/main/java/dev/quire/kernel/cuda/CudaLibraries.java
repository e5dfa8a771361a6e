package dev.quire.kernel.cuda;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.bytedeco.javacpp.Loader;

/**
 * Finds CUDA's own libraries, which are not in the jar: in the folders given, those of the system's linker, an installed
 * toolkit, or the packages that Python's pip installs. What is found is loaded before the presets ask for it by name.
 */
final class CudaLibraries {
    /** In the order of their dependencies; the driver's is found by the system's linker in all but special places. */
    private static final List<String> NAMES =
            List.of("libcuda.so.1", "libcudart.so.13", "libcublasLt.so.13", "libcublas.so.13");

    private static final List<String> DRIVER_DEVICES = List.of("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg");

    private CudaLibraries() {}

    /** Cheap: whether this machine has an NVIDIA card at all, seen without loading anything. */
    static boolean isDevicePresent() {
        return DRIVER_DEVICES.stream().anyMatch(device -> Files.exists(Path.of(device)));
    }

    /**
     * Loads libraries and presets.
     *
     * @throws CudaUnavailableException naming what was not found, and where it was looked for
     */
    static void load(List<Path> first) throws CudaUnavailableException {
        // Otherwise JavaCPP counts pinned memory against the heap, and collects garbage when it thinks there is too
        // much.
        System.setProperty("org.bytedeco.javacpp.maxBytes", "0");
        System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
        List<Path> folders = new ArrayList<>(first);
        folders.addAll(usualFolders());
        for (String name : NAMES) {
            // A toolkit's own libcuda is a stub to link with.
            Optional<Path> file = find(name, name.startsWith("libcuda.") ? first : folders);
            try {
                if (file.isPresent()) {
                    System.load(file.get().toRealPath().toString());
                }
            } catch (IOException | UnsatisfiedLinkError e) {
                throw new CudaUnavailableException(file.get() + " does not load: " + firstLine(e));
            }
        }
        try {
            Loader.load(org.bytedeco.cuda.global.cudart.class);
            Loader.load(org.bytedeco.cuda.global.cublas.class);
        } catch (LinkageError e) {
            throw new CudaUnavailableException(explain(e));
        }
    }

    private static String explain(LinkageError error) {
        String line = firstLine(error);
        if (line.contains("libcuda.so")) {
            return "no NVIDIA driver (" + line + ")";
        }
        return "CUDA 13 libraries not found (" + line
                + "); install cudart and cuBLAS of CUDA 13, or name their folder with --cuda-library-path";
    }

    private static String firstLine(Throwable error) {
        Throwable cause = error;
        while (cause.getCause() != null && cause.getCause() != cause) {
            cause = cause.getCause();
        }
        String message = String.valueOf(cause.getMessage());
        return message.lines().findFirst().orElse(message);
    }

    private static Optional<Path> find(String name, List<Path> folders) {
        return folders.stream()
                .map(folder -> folder.resolve(name))
                .filter(Files::exists)
                .findFirst();
    }

    private static List<Path> usualFolders() {
        List<Path> folders = new ArrayList<>();
        String loaderPath = System.getenv("LD_LIBRARY_PATH");
        if (loaderPath != null) {
            for (String folder : loaderPath.split(":")) {
                if (!folder.isBlank()) {
                    folders.add(Path.of(folder));
                }
            }
        }
        String home = System.getenv("CUDA_HOME");
        if (home != null && !home.isBlank()) {
            folders.add(Path.of(home, "lib64"));
        }
        folders.add(Path.of("/usr/local/cuda/lib64"));
        folders.add(Path.of("/usr/lib/x86_64-linux-gnu"));
        for (String root : List.of("/usr/local/lib", "/usr/lib", "/opt/venv/lib")) {
            addPipFolders(folders, Path.of(root));
        }
        return folders;
    }

    /** pip's nvidia packages: lib/python3.x/{site,dist}-packages/nvidia/cu13/lib. */
    private static void addPipFolders(List<Path> folders, Path root) {
        if (!Files.isDirectory(root)) {
            return;
        }
        try (DirectoryStream<Path> pythons = Files.newDirectoryStream(root, "python3*")) {
            for (Path python : pythons) {
                for (String packages : List.of("site-packages", "dist-packages")) {
                    Path folder = python.resolve(packages).resolve("nvidia/cu13/lib");
                    if (Files.isDirectory(folder)) {
                        folders.add(folder);
                    }
                }
            }
        } catch (IOException e) {
            // A folder that cannot be read holds nothing for us.
            return;
        }
    }
}
