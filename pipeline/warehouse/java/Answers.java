package smartfactory.warehouse;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.SparkEnv;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.BitwiseAnd;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.CreateMap;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GreaterThanOrEqual;
import org.apache.spark.sql.catalyst.expressions.If;
import org.apache.spark.sql.catalyst.expressions.Literal$;
import org.apache.spark.sql.catalyst.expressions.MonotonicallyIncreasingID;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression$;
import org.apache.spark.sql.catalyst.expressions.RaiseError;
import org.apache.spark.sql.catalyst.plans.logical.Command;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.rules.Rule;
import org.apache.spark.sql.catalyst.trees.TreeNode;
import org.apache.spark.sql.catalyst.trees.TreeNodeTag;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.TimeType;
import org.apache.spark.sql.types.VariantType;
import scala.Option;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Turns the columns of an answer that the Thrift protocol has no type for into text: VARIANT (as JSON) and TIME. Ends a
 * query whose answer has too many rows: each task collects its part in memory before Spark knows the answer's size.
 */
public class Answers extends Rule {
  /** Marks the root of a client's query; views and subqueries below it keep their types. */
  public static final TreeNodeTag ASKED = new TreeNodeTag("smartfactory.asked");
  private static final long MOST_ROWS = 200000L;
  private static final long ROW_BITS = (1L << 33) - 1;

  public TreeNode apply(TreeNode tree) {
    LogicalPlan plan = (LogicalPlan) tree;
    boolean isAnswer = plan.getTagValue(ASKED).isDefined() && plan.resolved() && !(plan instanceof Command);
    return isAnswer ? limited(withoutForeignTypes(plan)) : plan;
  }

  private static LogicalPlan limited(LogicalPlan plan) {
    long most = SparkEnv.get().conf().getLong("spark.lakehouse.resultRows", MOST_ROWS);
    if (plan.maxRows().isDefined() && ((Number) plan.maxRows().get()).longValue() <= most) {
      return plan;
    }
    Literal$ literal = Literal$.MODULE$;
    List names = Arrays.asList(new Object[] {literal.apply("errorMessage"), literal.apply(
        "The answer has more rows than the warehouse returns; aggregate, filter or LIMIT it.")});
    Expression error = new RaiseError(literal.apply("USER_RAISED_EXCEPTION"),
        new CreateMap(CollectionConverters.asScala(names).toList()), DataTypes.BooleanType);
    // The lower bits of this number count the rows of a task.
    Expression row = new BitwiseAnd(new MonotonicallyIncreasingID(), literal.apply(Long.valueOf(ROW_BITS)));
    Expression isLate = new GreaterThanOrEqual(row, literal.apply(Long.valueOf(most)));
    return new Filter(new If(isLate, error, literal.apply(Boolean.TRUE)), plan);
  }

  private static LogicalPlan withoutForeignTypes(LogicalPlan plan) {
    List columns = new ArrayList();
    boolean changed = false;
    for (Iterator each = CollectionConverters.asJava(plan.output()).iterator(); each.hasNext();) {
      Attribute column = (Attribute) each.next();
      boolean isForeign = column.dataType() instanceof VariantType || column.dataType() instanceof TimeType;
      columns.add(isForeign ? asText(column) : column);
      changed = changed || isForeign;
    }
    return changed ? new Project(CollectionConverters.asScala(columns).toList(), plan) : plan;
  }

  private static NamedExpression asText(Attribute column) {
    Cast text = new Cast(column, DataTypes.StringType, Option.apply("UTC"));
    Seq none = CollectionConverters.asScala(new ArrayList()).toList();
    return new Alias(text, column.name(), NamedExpression$.MODULE$.newExprId(), none, Option.empty(), none);
  }
}
