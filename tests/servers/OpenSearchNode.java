import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.concurrent.CountDownLatch;

import org.opensearch.Version;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.Node;
import org.opensearch.plugins.PluginInfo;

/** One OpenSearch node of the jars on the class path: {@code java OpenSearchNode.java HOME HTTP_PORT TRANSPORT_PORT}. */
public class OpenSearchNode extends Node {

    @SuppressWarnings("unchecked")
    OpenSearchNode(Settings settings) {
        super(new Environment(settings, Path.of(settings.get("path.home"), "config")),
                plugins("org.opensearch.transport.Netty4", "org.opensearch.analysis.common.CommonAnalysis"),
                false);
    }

    /** The modules that a distribution would load from its folders: classes to version 2, descriptions to 3. */
    @SuppressWarnings({"rawtypes", "unchecked"})
    private static Collection plugins(String... stems) {
        Collection found = new ArrayList();
        for (String stem : stems) {
            Class<?> module = named(stem + "ModulePlugin", stem + "Plugin");
            found.add(Version.CURRENT.major < 3 ? module : new PluginInfo(module.getName(), "", "", Version.CURRENT,
                    "1.8", module.getName(), null, Collections.emptyList(), false));
        }
        return found;
    }

    private static Class<?> named(String... names) {
        for (String name : names) {
            try {
                return Class.forName(name);
            } catch (ClassNotFoundException missing) {
                continue; // version 3 has renamed them
            }
        }
        throw new IllegalStateException(names[0] + " is not on the class path");
    }

    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.builder()
                .put("path.home", arguments[0])
                .put("cluster.name", "wirewatch-tests")
                .put("node.name", "one")
                .put("discovery.type", "single-node")
                .put("network.host", "127.0.0.1")
                .put("http.port", arguments[1])
                .put("transport.port", arguments[2])
                .put("transport.type", "netty4")
                .put("http.type", "netty4")
                // a test machine's disk may be nearly full, and its indices are small
                .put("cluster.routing.allocation.disk.threshold_enabled", false)
                .build();
        OpenSearchNode node = new OpenSearchNode(settings);
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception error) {
                error.printStackTrace();
            }
            ended.countDown();
        }));
        node.start();
        ended.await();
    }
}
