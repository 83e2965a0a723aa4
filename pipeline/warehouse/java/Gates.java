package smartfactory.warehouse;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.SparkSessionExtensions;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import scala.runtime.AbstractFunction1;
import scala.runtime.AbstractFunction2;
import scala.runtime.BoxedUnit;

/**
 * Puts the gates into sessions. Sessions that already have a state, such as the one that registers the tables, stay
 * unguarded; no client ever gets one of those.
 */
public class Gates {
  private final Allowed allowed;
  private final SparkSession only;

  /** Puts the gates into the given session, or without one into every session created from now on. */
  public Gates(Allowed allowed, SparkSession only) {
    this.allowed = allowed;
    this.only = only;
  }

  public void install(SparkSessionExtensions extensions) {
    extensions.injectParser(new Parsers(this));
    extensions.injectPostHocResolutionRule(new Rules(this));
    extensions.injectCheckRule(new Checks(this));
  }

  boolean guards(Object session) {
    return only == null || only == session;
  }

  static class Parsers extends AbstractFunction2 {
    private final Gates gates;

    Parsers(Gates gates) {
      this.gates = gates;
    }

    public Object apply(Object session, Object parser) {
      return gates.guards(session) ? new StatementGate((ParserInterface) parser, gates.allowed) : parser;
    }
  }

  static class Rules extends AbstractFunction1 {
    private final Gates gates;

    Rules(Gates gates) {
      this.gates = gates;
    }

    public Object apply(Object session) {
      return new Answers();
    }
  }

  static class Checks extends AbstractFunction1 {
    private final Gates gates;

    Checks(Gates gates) {
      this.gates = gates;
    }

    public Object apply(Object session) {
      return gates.guards(session) ? new PlanGate(gates.allowed) : new Open();
    }
  }

  static class Open extends AbstractFunction1 {
    public Object apply(Object plan) {
      return BoxedUnit.UNIT;
    }
  }
}
