package smartfactory.warehouse;

import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;

/** What the gates allow. Everything that is not listed here is refused. */
public class Allowed {
  /** Commands, as parsed and as resolved; none of them changes a table, a file or the server. */
  private static final String COMMANDS =
      "ShowTables ShowTablesExtended ShowTablesCommand ShowViews ShowViewsCommand ShowNamespacesCommand ShowColumns"
      + " ShowColumnsCommand ShowDeltaTableColumnsCommand ShowCreateTable ShowCreateTableCommand ShowTableProperties"
      + " ShowTablePropertiesCommand ShowPartitions ShowPartitionsCommand ShowDeltaPartitionsCommand ShowFunctions"
      + " ShowFunctionsCommand ShowCatalogsCommand ShowCollationsCommand ShowCurrentNamespaceCommand"
      + " DescribeRelation DescribeRelationJsonCommand DescribeTableCommand DescribeColumn DescribeColumnCommand"
      + " DescribeNamespace DescribeDatabaseCommand DescribeFunction DescribeFunctionCommand DescribeQueryCommand"
      + " DescribeDeltaHistory DescribeDeltaHistoryCommand DescribeDeltaDetailCommand"
      + " SetCatalogAndNamespace SetNamespaceCommand SetCommand ExplainCommand CommandResult";

  /** The parts of a query, before and after resolution. */
  private static final String OPERATORS =
      "Project Filter Aggregate Sort GlobalLimit LocalLimit LimitAll Offset Join LateralJoin NearestByJoin Union"
      + " Intersect Except Distinct SubqueryAlias Subquery Generate Pivot Unpivot Transpose Sample Window"
      + " WithWindowDefinition Expand RepartitionByExpression Repartition RebalancePartitions PipeOperator UnionLoop"
      + " UnionLoopRef ResolvedHint WithCTE CTERelationDef CTERelationRef OneRowRelation LocalRelation EmptyRelation"
      + " Range View";

  private static final String PARSED =
      "UnresolvedWith UnresolvedRelation UnresolvedHaving UnresolvedQualify UnresolvedSubqueryColumnAliases"
      + " UnresolvedInlineTable ResolvedInlineTable UnresolvedTableValuedFunction UnresolvedTVFAliases UnresolvedHint"
      + " UnresolvedTranspose RelationTimeTravel CurrentNamespace UnresolvedNamespace UnresolvedTableOrView"
      + " UnresolvedTable UnresolvedView UnresolvedFunctionName";

  /** What Delta itself runs to read its logs, besides the operators; most of it cannot be written in SQL. */
  private static final String RESOLVED =
      "LogicalRelation LogicalRDD ExternalRDD ResolvedTable ResolvedNamespace ResolvedPersistentView"
      + " ResolvedNonPersistentFunc MapPartitions MapElements MapGroups AppendColumns DeserializeToObject"
      + " SerializeFromObject TypedFilter Deduplicate";

  /** Settings that clients send or people change, each of which affects only the client's own answers. */
  private static final String SETTINGS =
      "spark.sql.session.timezone spark.sql.shuffle.partitions spark.sql.ansi.enabled"
      + " spark.sql.thriftserver.scheduler.pool"
      + " hive.server2.thrift.resultset.default.fetch.size";

  private static final Set STATEMENT_NODES = words(COMMANDS + " " + OPERATORS + " " + PARSED);
  private static final Set RESOLVED_NODES = words(COMMANDS + " " + OPERATORS + " " + RESOLVED);
  private static final Set SETTING_NAMES = words(SETTINGS);

  private final Set functions;
  private final Set databases;
  private final Set folders;

  public Allowed(Collection functions, Collection databases, Collection folders) {
    this.functions = new HashSet(functions);
    this.databases = new HashSet(databases);
    this.folders = new HashSet(folders);
  }

  public static boolean inStatement(String node) {
    return STATEMENT_NODES.contains(node);
  }

  public static boolean inResolvedPlan(String node) {
    return RESOLVED_NODES.contains(node);
  }

  /** The number of partitions is limited, because the driver keeps each in memory. */
  public static boolean setting(String name, String value) {
    String known = name.trim().toLowerCase(Locale.ROOT);
    boolean isModest = !known.endsWith(".partitions") || value.trim().matches("\\d{1,3}");
    return SETTING_NAMES.contains(known) && isModest;
  }

  public boolean function(String name) {
    return functions.contains(name.toLowerCase(Locale.ROOT));
  }

  public boolean database(String name) {
    return databases.contains(name.toLowerCase(Locale.ROOT));
  }

  public boolean file(java.net.URI place) {
    if (place.getScheme() != null && !"file".equals(place.getScheme())) {
      return false;
    }
    java.nio.file.Path path = java.nio.file.Paths.get(place.getPath(), new String[0]).normalize();
    for (java.util.Iterator each = folders.iterator(); each.hasNext();) {
      if (path.startsWith((String) each.next())) {
        return true;
      }
    }
    return false;
  }

  private static Set words(String text) {
    return new HashSet(Arrays.asList(text.split(" ")));
  }
}
