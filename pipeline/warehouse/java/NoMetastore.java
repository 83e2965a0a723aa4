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
 * A client for a Hive metastore that does not exist. Hive asks for one when a client wants metadata, and whenever a
 * session ends, only to learn whether it is local. Without an answer it would start a database of its own and retry for
 * half a minute.
 */
public class NoMetastore implements InvocationHandler {
  /** Gives this client to the running thread's Hive, so that Hive creates none. */
  public static void install(HiveConf settings) throws Exception {
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
    throw Refusal.because("a Hive metastore, because it has none");
  }
}
