package smartfactory.warehouse;

import java.util.Iterator;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.catalyst.analysis.ResolvedTable;
import org.apache.spark.sql.catalyst.expressions.CallMethodViaReflection;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.PlanExpression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.trees.TreeNode;
import org.apache.spark.sql.delta.catalog.DeltaTableV2;
import org.apache.spark.sql.delta.commands.DescribeDeltaHistoryCommand;
import org.apache.spark.sql.execution.datasources.HadoopFsRelation;
import org.apache.spark.sql.execution.datasources.LogicalRelation;
import scala.collection.Seq;
import scala.jdk.javaapi.CollectionConverters;
import scala.runtime.AbstractFunction1;
import scala.runtime.BoxedUnit;

/** Judges what a statement has become once every name in it is resolved, Delta's own reading of its logs included. */
public class PlanGate extends AbstractFunction1 {
  private final Allowed allowed;

  public PlanGate(Allowed allowed) {
    this.allowed = allowed;
  }

  public Object apply(Object plan) {
    walk((TreeNode) plan);
    return BoxedUnit.UNIT;
  }

  private void walk(TreeNode node) {
    if (node instanceof LogicalPlan) {
      LogicalPlan plan = (LogicalPlan) node;
      judge(plan);
      walkAll(plan.expressions());
    } else if (node instanceof CallMethodViaReflection) {
      throw Refusal.because("calls into the server's own code");
    } else if (node instanceof PlanExpression) {
      walk((TreeNode) ((PlanExpression) node).plan());
    }
    walkAll(node.children());
    walkAll(node.innerChildren());
  }

  private void walkAll(Seq nodes) {
    for (Iterator each = CollectionConverters.asJava(nodes).iterator(); each.hasNext();) {
      Object node = each.next();
      if (node instanceof LogicalPlan || node instanceof Expression) {
        walk((TreeNode) node);
      }
    }
  }

  private void judge(LogicalPlan plan) {
    String node = plan.getClass().getSimpleName().replace("$", "");
    if (!Allowed.inResolvedPlan(node)) {
      throw Refusal.of(node);
    }
    if (plan instanceof LogicalRelation) {
      judgeRelation(((LogicalRelation) plan).relation());
    } else if (plan instanceof ResolvedTable) {
      judgeTable(((ResolvedTable) plan).table());
    } else if (plan instanceof DescribeDeltaHistoryCommand) {
      judgeTable(((DescribeDeltaHistoryCommand) plan).table());
    }
  }

  private void judgeRelation(Object relation) {
    if (!(relation instanceof HadoopFsRelation)) {
      throw Refusal.because("a source that is not a table");
    }
    Seq roots = ((HadoopFsRelation) relation).location().rootPaths();
    for (Iterator each = CollectionConverters.asJava(roots).iterator(); each.hasNext();) {
      judgePath((Path) each.next());
    }
  }

  private void judgeTable(Object table) {
    if (!(table instanceof DeltaTableV2)) {
      throw Refusal.because("a table that is not the lakehouse's");
    }
    judgePath(((DeltaTableV2) table).path());
  }

  private void judgePath(Path path) {
    if (!allowed.file(path.toUri())) {
      throw Refusal.because("files outside them");
    }
  }
}
