package smartfactory.warehouse;

import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.catalyst.FunctionIdentifier;
import org.apache.spark.sql.catalyst.TableIdentifier;
import org.apache.spark.sql.catalyst.analysis.UnresolvedFunction;
import org.apache.spark.sql.catalyst.analysis.UnresolvedGenerator;
import org.apache.spark.sql.catalyst.analysis.UnresolvedRelation;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTable;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTableOrView;
import org.apache.spark.sql.catalyst.analysis.UnresolvedTableValuedFunction;
import org.apache.spark.sql.catalyst.analysis.UnresolvedView;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.parser.ParameterContext;
import org.apache.spark.sql.catalyst.parser.ParseException;
import org.apache.spark.sql.catalyst.parser.ParserInterface;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.command.SetCommand;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.unsafe.Platform;
import scala.Option;
import scala.Product;
import scala.Tuple2;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Checks a statement's text before names are resolved, because resolving a path lists and opens files, and resolving a
 * catalog's name loads its class.
 */
public class StatementGate implements ParserInterface {
  private static final List QUERIES =
      Arrays.asList("select with from table values show describe desc explain use".split(" "));
  /** The first word after comments and brackets. */
  private static final Pattern FIRST_WORD =
      Pattern.compile("\\A(?:[\\s(]|--[^\\n]*|/\\*.*?\\*/)*([^\\s(]\\w*)", Pattern.DOTALL);

  private final ParserInterface parser;
  private final Allowed allowed;

  public StatementGate(ParserInterface parser, Allowed allowed) {
    this.parser = parser;
    this.allowed = allowed;
  }

  public LogicalPlan parsePlan(String text) throws ParseException {
    try {
      return judged(parser.parsePlan(text));
    } catch (Throwable fault) {
      throw explained(text, fault);
    }
  }

  public LogicalPlan parsePlanWithParameters(String text, ParameterContext parameters) throws ParseException {
    try {
      return judged(parser.parsePlanWithParameters(text, parameters));
    } catch (Throwable fault) {
      throw explained(text, fault);
    }
  }

  public LogicalPlan parseQuery(String text) throws ParseException {
    return judged(parser.parseQuery(text));
  }

  public Expression parseExpression(String text) throws ParseException {
    return parser.parseExpression(text);
  }

  public TableIdentifier parseTableIdentifier(String text) throws ParseException {
    return parser.parseTableIdentifier(text);
  }

  public FunctionIdentifier parseFunctionIdentifier(String text) throws ParseException {
    return parser.parseFunctionIdentifier(text);
  }

  public Seq parseMultipartIdentifier(String text) throws ParseException {
    return parser.parseMultipartIdentifier(text);
  }

  public StructType parseTableSchema(String text) throws ParseException {
    return parser.parseTableSchema(text);
  }

  public DataType parseDataType(String text) throws ParseException {
    return parser.parseDataType(text);
  }

  public StructType parseRoutineParam(String text) throws ParseException {
    return parser.parseRoutineParam(text);
  }

  /** Spark's own message helps with a mistyped query; anything else is reported as not served. */
  private RuntimeException explained(String text, Throwable fault) {
    if (!(fault instanceof Refusal)) {
      for (int end = text.indexOf(';'); end >= 0; end = text.indexOf(';', end + 1)) {
        if (!text.substring(end + 1).trim().isEmpty() && isStatement(text.substring(0, end))) {
          return Refusal.because("several statements at once");
        }
      }
      Matcher word = FIRST_WORD.matcher(text);
      if (word.find() && !QUERIES.contains(word.group(1).toLowerCase(Locale.ROOT))) {
        return Refusal.of(word.group(1));
      }
    }
    Platform.throwException(fault);
    return null;
  }

  private boolean isStatement(String text) {
    try {
      parser.parsePlan(text);
      return true;
    } catch (Exception fault) {
      return false;
    }
  }

  private LogicalPlan judged(LogicalPlan plan) {
    walk(plan);
    plan.setTagValue(Answers.ASKED, Boolean.TRUE);
    return plan;
  }

  /** Visits all parts of a statement, including plans kept beside the tree (EXPLAIN, WITH, time travel). */
  private void walk(Object part) {
    if (part instanceof LogicalPlan) {
      judgePlan((LogicalPlan) part);
    } else if (part instanceof Expression) {
      judgeExpression((Expression) part);
    }
    if (part instanceof scala.collection.Iterable) {
      walkAll(((scala.collection.Iterable) part).iterator());
    } else if (part instanceof Product) {
      walkAll(((Product) part).productIterator());
    }
  }

  private void walkAll(scala.collection.Iterator parts) {
    while (parts.hasNext()) {
      walk(parts.next());
    }
  }

  private void judgePlan(LogicalPlan plan) {
    String node = plan.getClass().getSimpleName().replace("$", "");
    if (!Allowed.inStatement(node)) {
      throw Refusal.of(node);
    }
    if (plan instanceof UnresolvedRelation) {
      UnresolvedRelation relation = (UnresolvedRelation) plan;
      if (relation.isStreaming() || !relation.options().isEmpty()) {
        throw Refusal.because("a table with reading options");
      }
      judgeTable(relation.multipartIdentifier());
    } else if (plan instanceof UnresolvedTable) {
      judgeTable(((UnresolvedTable) plan).multipartIdentifier());
    } else if (plan instanceof UnresolvedView) {
      judgeTable(((UnresolvedView) plan).multipartIdentifier());
    } else if (plan instanceof UnresolvedTableOrView) {
      judgeTable(((UnresolvedTableOrView) plan).multipartIdentifier());
    } else if (plan instanceof UnresolvedTableValuedFunction) {
      judgeFunction(((UnresolvedTableValuedFunction) plan).name());
    } else if (plan instanceof SetCommand) {
      judgeSetting(((SetCommand) plan).kv());
    }
  }

  private void judgeExpression(Expression expression) {
    if (expression instanceof UnresolvedFunction) {
      judgeFunction(((UnresolvedFunction) expression).nameParts());
    } else if (expression instanceof UnresolvedGenerator) {
      judgeFunction(((UnresolvedGenerator) expression).name().funcName());
    } else if (expression.getClass().getSimpleName().startsWith("ExpressionWithUnresolvedIdentifier")) {
      throw Refusal.because("IDENTIFIER with anything but a literal name");
    }
  }

  private void judgeTable(Seq name) {
    List parts = CollectionConverters.asJava(name);
    int size = parts.size();
    boolean known = size <= 3
        && (size < 2 || allowed.database((String) parts.get(size - 2)))
        && (size < 3 || "spark_catalog".equalsIgnoreCase((String) parts.get(0)));
    for (Iterator each = parts.iterator(); each.hasNext();) {
      String part = (String) each.next();
      known = known && part.indexOf('/') < 0 && part.indexOf(':') < 0 && part.indexOf('\\') < 0;
    }
    if (!known) {
      throw Refusal.because("the name `" + name.mkString(".") + "`, which is not a table of the database");
    }
  }

  private void judgeFunction(Seq name) {
    judgeFunction((String) name.last());
  }

  private void judgeFunction(String name) {
    if (!allowed.function(name)) {
      throw Refusal.because("the function `" + name + "`");
    }
  }

  private void judgeSetting(Option pair) {
    if (pair.isDefined()) {
      Tuple2 setting = (Tuple2) pair.get();
      Option value = (Option) setting._2();
      if (value.isDefined() && !Allowed.setting((String) setting._1(), (String) value.get())) {
        throw Refusal.because("the setting `" + setting._1() + "`");
      }
    }
  }
}
