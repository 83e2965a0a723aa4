package smartfactory.warehouse;

import java.lang.reflect.Field;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Collections;
import org.apache.hadoop.hive.conf.HiveConf;
import org.apache.hadoop.hive.metastore.IMetaStoreClient;
import org.apache.hadoop.hive.ql.metadata.Hive;

/**
 * A client of a Hive metastore that there is not. Hive asks for one when a client wants metadata and whenever a session
 * ends, only to learn whether it is a local one; without an answer it would start a database of its own, and try for
 * half a minute.
 */
public class NoMetastore implements InvocationHandler {
  /** Gives the running thread's Hive this client, so that it makes none itself. */
  public static void stand(HiveConf settings) throws Exception {
    Field client = Hive.class.getDeclaredField("metaStoreClient");
    client.setAccessible(true);
    client.set(Hive.getWithoutRegisterFns(settings), Proxy.newProxyInstance(
        IMetaStoreClient.class.getClassLoader(), new Class[] {IMetaStoreClient.class}, new NoMetastore()));
  }

  public Object invoke(Object client, Method method, Object[] arguments) {
    String name = method.getName();
    if ("close".equals(name)) {
      return null;
    }
    if ("isLocalMetaStore".equals(name)) {
      return Boolean.FALSE;
    }
    if ("isCompatibleWith".equals(name) || "isSameConfObj".equals(name)) {
      return Boolean.TRUE;
    }
    if ("getPrimaryKeys".equals(name) || "getForeignKeys".equals(name)) {
      return Collections.EMPTY_LIST;
    }
    throw Refusal.because("Hive's metastore, which it has none of");
  }
}
