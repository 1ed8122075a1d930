<?php
/* export.php SITE FROM TO FILE DEVICE,DEVICE... - what Cacti draws of them, as JSON: of each graph its title, the template's name,
 * the figures that it exports, the command that it gives rrdtool, and the legend of its picture. */
require($argv[1] . '/include/cli_check.php');
require_once($config['base_path'] . '/lib/rrd.php');

$all = array();
$graphs = db_fetch_assoc_prepared("SELECT gl.id, gt.name FROM graph_local AS gl INNER JOIN graph_templates AS gt ON gt.id = gl.graph_template_id
	INNER JOIN host AS h ON h.id = gl.host_id WHERE gt.name LIKE 'mxgauge - %' AND FIND_IN_SET(h.description, ?) ORDER BY gl.id", array($argv[5]));
foreach ($graphs as $graph) {
	$period = array('graph_start' => $argv[2], 'graph_end' => $argv[3]);
	$meta = array();
	$figures = rrdtool_function_graph($graph['id'], 0, $period + array('export_csv' => true), null, $meta, 1);
	ob_start();
	rrdtool_function_graph($graph['id'], 0, $period + array('print_source' => true), null, $meta, 1);
	$source = html_entity_decode(strip_tags(ob_get_clean()), ENT_QUOTES | ENT_HTML5);
	$picture = rrdtool_function_graph($graph['id'], 0, $period + array('graphv' => true, 'output_flag' => RRDTOOL_OUTPUT_STDOUT), null, $meta, 1);
	$all[] = array('title' => $figures['meta']['title_cache'], 'template' => $graph['name'],
		'step' => $figures['meta']['step'], 'legend' => array_values($figures['meta']['legend']),
		'data' => array_map('array_values', array_values($figures['data'])), 'source' => $source,
		'picture' => mb_convert_encoding($picture, 'UTF-8', 'ISO-8859-1'));
}
file_put_contents($argv[4], json_encode($all));
