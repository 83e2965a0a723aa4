package smartfactory.warehouse;

/** Says no in one sentence. Thrift clients are shown what toString gives, so that it holds no class name. */
public class Refusal extends RuntimeException {
  private static final String SERVED = "send a SELECT, SHOW, DESCRIBE, USE or EXPLAIN of a query";

  public Refusal(String sentence) {
    super(sentence, null, false, false);
  }

  /** What is refused, by the name of the plan node it became: `InsertIntoStatement` reads "insert into". */
  public static Refusal of(String node) {
    String words = node.replaceAll("([a-z])([A-Z])", "$1 $2").toLowerCase()
        .replaceAll("^unresolved | (command|statement)$", "");
    return new Refusal("This warehouse only reads and refuses \"" + words + "\"; " + SERVED + ".");
  }

  public static Refusal because(String reason) {
    return new Refusal("This warehouse only reads the lakehouse's tables and refuses " + reason + ".");
  }

  public String toString() {
    return getMessage();
  }
}
