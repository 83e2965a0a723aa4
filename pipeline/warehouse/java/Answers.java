package smartfactory.warehouse;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Cast;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression$;
import org.apache.spark.sql.catalyst.plans.logical.Command;
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

/** Turns the columns of an answer that the Thrift protocol has no type for into text: VARIANT (as JSON) and TIME. */
public class Answers extends Rule {
  /** Marks the root of what a client asked; views and subqueries below it keep their types. */
  public static final TreeNodeTag ASKED = new TreeNodeTag("smartfactory.asked");

  public TreeNode apply(TreeNode tree) {
    LogicalPlan plan = (LogicalPlan) tree;
    boolean isAnswer = plan.getTagValue(ASKED).isDefined() && plan.resolved() && !(plan instanceof Command);
    return isAnswer ? withoutForeignTypes(plan) : plan;
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
