package smartfactory.warehouse;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.Future;
import org.apache.hadoop.hive.conf.HiveConf;
import org.apache.hive.service.cli.CLIService;
import org.apache.hive.service.cli.HiveSQLException;
import org.apache.hive.service.cli.SessionHandle;
import org.apache.hive.service.cli.operation.OperationManager;
import org.apache.hive.service.cli.session.HiveSession;
import org.apache.hive.service.cli.session.SessionManager;
import org.apache.hive.service.rpc.thrift.TProtocolVersion;
import org.apache.hive.service.server.HiveServer2;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.hive.HiveUtils$;
import org.apache.spark.sql.hive.thriftserver.HiveThriftServer2;
import org.apache.spark.sql.hive.thriftserver.HiveThriftServer2$;

/**
 * Spark's Thrift Server, with a check of the settings that a client sends when it connects. These never become a
 * statement: Hive applies them to the session, and `set:system:` ones to the whole server.
 */
public class ThriftServer {
  private final HiveThriftServer2 server;

  /** Does what HiveThriftServer2.startWithContext does, but installs the guard before the port opens. */
  public ThriftServer(SparkSession session) throws Exception {
    SparkContext context = session.sparkContext();
    HiveThriftServer2$ spark = HiveThriftServer2$.MODULE$;
    spark.systemExitOnError().set(false);
    HiveConf settings = HiveUtils$.MODULE$
        .newClientForExecution(context.conf(), session.sessionState().newHadoopConf()).conf();
    server = new HiveThriftServer2(session);
    server.init(settings);
    guardSessions();
    Method listen = HiveThriftServer2$.class.getDeclaredMethod(
        "createListenerAndUI", new Class[] {HiveThriftServer2.class, SparkContext.class});
    listen.setAccessible(true);
    listen.invoke(spark, new Object[] {server, context});
    server.start();
  }

  public void stop() {
    server.stop();
  }

  private void guardSessions() throws Exception {
    Field service = HiveServer2.class.getDeclaredField("cliService");
    service.setAccessible(true);
    Field manager = CLIService.class.getDeclaredField("sessionManager");
    manager.setAccessible(true);
    Object cli = service.get(server);
    manager.set(cli, new GuardedSessions((SessionManager) manager.get(cli)));
  }

  /** Guards Spark's session manager, which still does the work. */
  static class GuardedSessions extends SessionManager {
    private final SessionManager sessions;

    GuardedSessions(SessionManager sessions) {
      super(null);
      this.sessions = sessions;
    }

    public SessionHandle openSession(TProtocolVersion protocol, String user, String password, String address,
        Map settings) throws HiveSQLException {
      return openSession(protocol, user, password, address, settings, false, null);
    }

    public SessionHandle openSession(TProtocolVersion protocol, String user, String password, String address,
        Map settings, boolean impersonated, String token) throws HiveSQLException {
      if (settings != null) {
        for (Iterator each = settings.entrySet().iterator(); each.hasNext();) {
          Map.Entry setting = (Map.Entry) each.next();
          judge((String) setting.getKey(), (String) setting.getValue());
        }
      }
      return sessions.openSession(protocol, user, password, address, settings, impersonated, token);
    }

    public void closeSession(SessionHandle session) throws HiveSQLException {
      getSession(session);
      sessions.closeSession(session);
    }

    /** Comes before whatever a client asks for, on the same thread. */
    public HiveSession getSession(SessionHandle session) throws HiveSQLException {
      HiveSession found = sessions.getSession(session);
      try {
        NoMetastore.install(found.getHiveConf());
      } catch (Exception unforeseen) {
        throw new HiveSQLException(unforeseen);
      }
      return found;
    }

    public OperationManager getOperationManager() {
      return sessions.getOperationManager();
    }

    public Future submitBackgroundOperation(Runnable operation) {
      return sessions.submitBackgroundOperation(operation);
    }

    public int getOpenSessionCount() {
      return sessions.getOpenSessionCount();
    }

    private static void judge(String key, String value) {
      String name = key.replaceFirst("^set:(hiveconf:)?", "");
      boolean isDatabase = "use:database".equals(key) && value.matches("`?\\w+`?");
      // Hive replaces ${env:...} and ${system:...} in values with values from the server's process.
      boolean isHarmless = Allowed.setting(name, value) && value.indexOf("${") < 0;
      if (!isDatabase && !isHarmless) {
        throw Refusal.because("the setting `" + key + "` at connect");
      }
    }
  }
}
