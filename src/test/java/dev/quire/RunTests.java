package dev.quire;

import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.io.PrintWriter;
import java.util.Arrays;
import org.junit.platform.launcher.Launcher;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/**
 * Runs test classes where there is no Maven, such as a machine with a card and a Java runtime only: {@code java
 * -Dquire.test.device=gpu -cp … dev.quire.RunTests dev.quire.kernel.cuda.CudaKernelsTest …}.
 */
final class RunTests {
    private static final int MAX_FAILURES = 20;

    private RunTests() {}

    public static void main(String[] classes) {
        Launcher launcher = LauncherFactory.create();
        SummaryGeneratingListener listener = new SummaryGeneratingListener();
        long numFailures = 0;
        for (String name : classes) {
            launcher.execute(
                    LauncherDiscoveryRequestBuilder.request()
                            .selectors(Arrays.asList(selectClass(name)))
                            .build(),
                    listener);
            TestExecutionSummary summary = listener.getSummary();
            System.out.printf(
                    "%s: %d passed, %d failed, %d skipped%n",
                    name,
                    summary.getTestsSucceededCount(),
                    summary.getTotalFailureCount(),
                    summary.getTestsSkippedCount() + summary.getTestsAbortedCount());
            summary.printFailuresTo(new PrintWriter(System.out, true), MAX_FAILURES);
            numFailures += summary.getTotalFailureCount();
        }
        System.exit(numFailures == 0 ? 0 : 1);
    }
}
